import { type ArmCounts, LATENCY_GRID_MS } from '#rollout/judge/facts.ts';
import type { Random } from './random.ts';

/** How one version behaves. Latency is lognormal with σ 1; bursts multiply the error rate of each look by a gamma of mean 1. */
export interface Behaviour {
  readonly errorRate: number;
  readonly medianMs: number;
  readonly burstCv: number;
}

/** What a version that serves `requestsPerSecond` on average does in one look. */
export function serve(
  random: Random,
  behaviour: Behaviour,
  requestsPerSecond: number,
  seconds: number,
): Served {
  const requests = random.poisson(requestsPerSecond * seconds);
  const { burstCv, errorRate, medianMs } = behaviour;
  const burst = burstCv === 0 ? 1 : random.gamma(burstCv ** -2) * burstCv ** 2;
  const errors = random.binomial(requests, errorRate * burst);
  const cells = [];
  let [left, above] = [requests, 1];
  for (const boundMs of LATENCY_GRID_MS) {
    const tail = normalTail(Math.log(boundMs / medianMs));
    const slower = random.binomial(left, tail / above);
    cells.push(left - slower);
    [left, above] = [slower, tail];
  }
  return { requests, errors, cells: [...cells, left] };
}

/** Requests per cell of the latency grid, the last one beyond its last bound. */
export interface Served {
  readonly requests: number;
  readonly errors: number;
  readonly cells: readonly number[];
}

export function add(one: Served, other: Served): Served {
  return {
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    cells: one.cells.map((count, cell) => count + (other.cells[cell] ?? 0)),
  };
}

export const NOTHING: Served = { requests: 0, errors: 0, cells: Array(LATENCY_GRID_MS.length + 1).fill(0) };

/** The counts as a metric source gives them, with percentiles drawn from their exact distribution given the cells. */
export function asCounts(random: Random, served: Served, medianMs: number): ArmCounts {
  const { requests, errors, cells } = served;
  const slower = LATENCY_GRID_MS.map((bound, index) => [
    String(bound),
    cells.slice(index + 1).reduce((sum, count) => sum + count, 0),
  ]);
  const counts = { requests, errors, slowerThan: Object.fromEntries(slower) };
  if (requests === 0) return counts;
  const percentile = (level: number) =>
    samplePercentile(random, cells, Math.ceil(level * requests), medianMs);
  return { ...counts, latencyMs: { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) } };
}

/** The request of a rank: within its cell ranks are those of uniforms, mapped through the latency's distribution. */
function samplePercentile(random: Random, cells: readonly number[], rank: number, medianMs: number): number {
  let cell = 0;
  let inCell = rank;
  while (inCell > (cells[cell] ?? 0)) {
    inCell -= cells[cell] ?? 0;
    cell += 1;
  }
  const slowerThan = (index: number) => normalTail(Math.log((LATENCY_GRID_MS[index] ?? Infinity) / medianMs));
  const [from, to] = [cell === 0 ? 1 : slowerThan(cell - 1), slowerThan(cell)];
  const part = random.beta(inCell, (cells[cell] ?? 0) - inCell + 1);
  return medianMs * Math.exp(-normalQuantile(from + (to - from) * part));
}

/** P(Z > z) (W. J. Cody's rational erfc in the form of Numerical Recipes' erfccheb, error below 1.2e-7). */
function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const poly =
    -1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t *
              (0.09678418 +
                t *
                  (-0.18628806 +
                    t *
                      (0.27886807 +
                        t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const tail = 0.5 * t * Math.exp(-x * x + poly);
  return z >= 0 ? tail : 1 - tail;
}

/** z with P(Z < z) = p, by bisection on the tail: a benchmark needs no better. */
function normalQuantile(p: number): number {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 40; i += 1) {
    const middle = (low + high) / 2;
    if (1 - normalTail(middle) < p) low = middle;
    else high = middle;
  }
  return low;
}
