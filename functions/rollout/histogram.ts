import type { ArmCounts, LatencyMs } from '#rollout/judge/facts.ts';

/** How many requests took at most `leMs`; the last of a histogram has Infinity and counts them all. */
export interface Bucket {
  readonly leMs: number;
  readonly count: number;
}

const LEVELS = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/** The judge's bounds are whole milliseconds and up. */
const BOUND_MS_MIN = 1;

/**
 * Rising bounds with counts that never fall. Each bucket's increase is extrapolated by itself, so that one may come out
 * below the bucket before it; Prometheus's histogram_quantile mends that in the same way.
 */
const mended = (buckets: readonly Bucket[]): readonly Bucket[] => {
  let most = 0;
  return buckets
    .toSorted((one, other) => one.leMs - other.leMs)
    .map(({ leMs, count }) => {
      most = Math.max(most, count);
      return { leMs, count: most };
    });
};

/** Linear within its bucket; beyond the last bound that bound (Prometheus documentation, histogram_quantile). */
const quantileMs = (buckets: readonly Bucket[], total: number, level: number): number => {
  const rank = level * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const lower = buckets[index - 1] ?? { leMs: 0, count: 0 };
  const upper = buckets[index];
  if (upper === undefined || upper.leMs === Infinity) return lower.leMs;
  const share = upper.count === lower.count ? 1 : (rank - lower.count) / (upper.count - lower.count);
  return lower.leMs + (upper.leMs - lower.leMs) * share;
};

/**
 * What a cumulative histogram tells of a period: requests slower than each bound, percentiles, and `total`, the
 * requests it counted. Without its last bucket nothing: how many were slower is not known then.
 */
export const latencyOf = (
  buckets: readonly Bucket[],
): (Pick<ArmCounts, 'slowerThan' | 'latencyMs'> & { readonly total: number }) | undefined => {
  const all = mended(buckets);
  const last = all.at(-1);
  if (last === undefined || last.leMs !== Infinity) return undefined;
  const total = last.count;
  const bounds = all.filter(({ leMs }) => leMs >= BOUND_MS_MIN && leMs !== Infinity);
  const slowerThan = Object.fromEntries(bounds.map(({ leMs, count }) => [String(leMs), total - count]));
  const percentiles = Object.entries(LEVELS).map(([name, level]) => [name, quantileMs(all, total, level)]);
  const latencyMs: LatencyMs = Object.fromEntries(percentiles);
  return {
    total,
    ...(bounds.length > 0 && { slowerThan }),
    ...(total > 0 && all.length > 1 && { latencyMs }),
  };
};
