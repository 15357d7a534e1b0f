import { type ArmCounts, boundsOf, slowOf } from '#rollout/judge/facts.ts';

const MEASURED = { 0.5: 'p50', 0.95: 'p95', 0.99: 'p99' } as const;

export type Level = 0.5 | 0.9 | 0.95 | 0.99;

/**
 * The latency in ms that a share `level` of an arm's requests does not exceed: as measured where the source gave it, else
 * between the grid bounds around it. Nothing when the arm says nothing about that level.
 */
export function percentileMs(arm: ArmCounts | undefined, level: Level): number | undefined {
  if (arm?.requests === 0) return undefined;
  const measured = level === 0.9 ? undefined : arm?.latencyMs?.[MEASURED[level]];
  return measured ?? percentileFromGrid(arm, 1 - level);
}

function percentileFromGrid(arm: ArmCounts | undefined, slowShare: number): number | undefined {
  let below: GridPoint | undefined;
  for (const boundMs of boundsOf(arm)) {
    const slow = slowOf(arm, boundMs);
    if (slow === undefined) return undefined;
    const share = slow.events / slow.trials;
    const point = { boundMs, share: Math.max(share, 0.5 / slow.trials) };
    if (share <= slowShare) return below === undefined ? boundMs : between(below, point, slowShare);
    below = point;
  }
  return undefined;
}

interface GridPoint {
  readonly boundMs: number;
  readonly share: number;
}

/** Log share against log latency, straight for a power-law tail; an empty tail counts as half a request. */
function between(below: GridPoint, above: GridPoint, slowShare: number): number {
  const part = Math.min(1, Math.log(below.share / slowShare) / Math.log(below.share / above.share));
  return below.boundMs * (above.boundMs / below.boundMs) ** part;
}

/** The smallest bound that the arm has counts for and that is no less than `atLeastMs`. */
export function boundAtOrAbove(arm: ArmCounts | undefined, atLeastMs: number): number | undefined {
  return boundsOf(arm).find((boundMs) => boundMs >= atLeastMs);
}

/** The bounds among `offered` nearest (as ratios) to the reference's p50, p90, p95 and p99, each once, rising. */
export function boundsNearPercentiles(
  reference: ArmCounts | undefined,
  offered: readonly number[],
): number[] {
  const levels: readonly Level[] = [0.5, 0.9, 0.95, 0.99];
  const chosen = levels.flatMap((level) => {
    const target = percentileMs(reference, level);
    return target === undefined ? [] : nearest(offered, target);
  });
  return [...new Set(chosen)].sort((a, b) => a - b);
}

function nearest(offered: readonly number[], target: number): number[] {
  const distance = (boundMs: number) => Math.abs(Math.log(boundMs / Math.max(target, 1e-3)));
  return [...offered].sort((a, b) => distance(a) - distance(b)).slice(0, 1);
}
