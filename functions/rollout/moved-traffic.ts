import type { Target } from '#policy/target.ts';
import { type ReadyWave, waveFact } from '#releases/ready-wave.ts';
import type { Reason, Release } from '#releases/release.ts';
import type { Step } from '#releases/step.ts';
import { describeRouting, isAt, shareOf, TOLERANCE_PERCENT } from '#rollout/routing.ts';
import { weightOfStep } from '#rollout/step-weight.ts';
import type { CanaryWeight, Routing, TrafficShifter } from '#rollout/traffic-shifter.ts';

/** What a look finds of the traffic itself, beside what the metrics say. */
export interface RoutingFound {
  /** Somebody else moved the traffic of a wave. */
  readonly drift: readonly Reason[];
  /** The traffic of a wave could not be read: no reason to do anything, and nothing to keep silent about. */
  readonly unread: readonly Reason[];
}

/**
 * Whether both versions have the shares that the release gave them, and so nobody else has any. An experiment whose callers are
 * no longer kept apart is none, whatever the shares.
 */
const isWhereLeft = (routing: Routing, left: CanaryWeight): boolean =>
  left.sticky || left.preview ? isAt(routing, left) : hasShares(routing, left);

const hasShares = (routing: Routing, { stable, canary, weightPercent }: CanaryWeight): boolean =>
  Math.abs(shareOf(routing, canary) - weightPercent) < TOLERANCE_PERCENT &&
  Math.abs(shareOf(routing, stable) - (100 - weightPercent)) < TOLERANCE_PERCENT;

const leftBeside = ({ sticky, preview, canary }: CanaryWeight): string => {
  if (sticky) return ', each caller kept where it came first';
  return preview ? `, and those with the header with ${canary}` : '';
};

const checkWave = async (
  shifter: Pick<TrafficShifter<Target>, 'readRouting'>,
  release: Release,
  wave: ReadyWave,
  left: CanaryWeight,
): Promise<RoutingFound> => {
  const { target } = wave;
  const { canary, stable, weightPercent } = left;
  const where = release.waves.length === 1 ? '' : `wave ${wave.name}: `;
  try {
    const routing = await shifter.readRouting(target);
    if (stable === canary || isWhereLeft(routing, left)) return { drift: [], unread: [] };
    const text = `${where}someone else moved the traffic: it is at ${describeRouting(routing)}, and this release left ${weightPercent} % with ${canary} and the rest with ${stable}${leftBeside(left)}`;
    const facts = {
      ...waveFact(release, wave),
      left,
      found: {
        primary: routing.primary,
        weights: routing.weights,
        ...(routing.testers !== undefined && { testers: routing.testers }),
        ...(routing.sticky && { sticky: routing.sticky }),
      },
    };
    return { drift: [{ code: 'drift', text, facts }], unread: [] };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    return {
      drift: [],
      unread: [{ code: 'routing-unread', text: `${where}where traffic goes could not be read: ${name}` }],
    };
  }
};

/** Reads the traffic of every wave that a release has reached, and compares it with what the release left there. */
export const checkRouting = async (
  shifter: Pick<TrafficShifter<Target>, 'readRouting'>,
  release: Release,
  step: Step,
  reached: readonly ReadyWave[],
): Promise<RoutingFound> => {
  const found = await Promise.all(
    reached.map((wave, index) =>
      checkWave(
        shifter,
        release,
        wave,
        index === step.wave
          ? weightOfStep(wave, step)
          : { stable: wave.snapshot.stableVersion, canary: wave.version, weightPercent: 100 },
      ),
    ),
  );
  return {
    drift: found.flatMap(({ drift }) => drift),
    unread: found.flatMap(({ unread }) => unread),
  };
};
