import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bucket, latencyOf } from '#rollout/histogram.ts';

const buckets = (counts: Readonly<Record<string, number>>): Bucket[] =>
  Object.entries(counts).map(([le, count]) => ({ leMs: Number(le), count }));

describe('latency from a cumulative histogram', () => {
  it('counts what was slower than each bound, and interpolates percentiles', () => {
    expect(latencyOf(buckets({ 50: 50, 100: 80, 200: 96, 500: 98, 1000: 100, Infinity: 100 }))).toEqual({
      total: 100,
      slowerThan: { 50: 50, 100: 20, 200: 4, 500: 2, 1000: 0 },
      latencyMs: { p50: 50, p95: 193.75, p99: 750 },
    });
  });

  it('knows nothing without the bucket that counts all', () => {
    expect(latencyOf([])).toBeUndefined();
    expect(latencyOf(buckets({ 50: 5, 100: 9 }))).toBeUndefined();
  });

  it('knows how many were slow, and no percentile, where there were none', () => {
    expect(latencyOf(buckets({ 50: 0, Infinity: 0 }))).toEqual({ total: 0, slowerThan: { 50: 0 } });
  });

  it('gives the last bound for what is beyond it', () => {
    expect(latencyOf(buckets({ 50: 1, Infinity: 100 }))?.latencyMs).toEqual({ p50: 50, p95: 50, p99: 50 });
  });

  it('has no bound below a millisecond, and counts its requests all the same', () => {
    expect(latencyOf(buckets({ 0.5: 4, 2: 9, Infinity: 10 }))?.slowerThan).toEqual({ 2: 1 });
  });

  it('never says that fewer were slower than a lower bound, nor fewer than none, whatever extrapolation did', () => {
    const anyBuckets = fc.array(
      fc.record({
        leMs: fc.integer({ min: 1, max: 9_000 }),
        count: fc.double({ min: 0, max: 1e6, noNaN: true }),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(anyBuckets, fc.double({ min: 0, max: 1e6, noNaN: true }), (finite, all) => {
        const found = latencyOf([...finite, { leMs: Infinity, count: all }]);
        const slower = Object.entries(found?.slowerThan ?? {})
          .toSorted(([a], [b]) => Number(a) - Number(b))
          .map(([, count]) => count);
        expect(slower.every((count) => count >= 0 && count <= (found?.total ?? 0))).toBe(true);
        expect(slower).toEqual(slower.toSorted((a, b) => b - a));
        const { p50 = 0, p95 = 0, p99 = 0 } = found?.latencyMs ?? {};
        expect(p50 <= p95 && p95 <= p99).toBe(true);
      }),
    );
  });
});
