import { describe, expect, test } from 'vitest';
import { boundAtOrAbove, boundsNearPercentiles, percentileMs } from '#rollout/judge/latency.ts';

const grid = { requests: 1000, slowerThan: { '50': 500, '100': 200, '250': 20, '1000': 2 } };

describe('a percentile', () => {
  test('is as measured where the source gave it', () => {
    expect(percentileMs({ ...grid, latencyMs: { p95: 111 } }, 0.95)).toBe(111);
  });

  test('else lies between the bounds around it', () => {
    expect(percentileMs(grid, 0.5)).toBe(50);
    const p90 = percentileMs(grid, 0.9);
    expect(p90).toBeGreaterThan(100);
    expect(p90).toBeLessThan(250);
    // 20 % beyond 100 ms fall to 2 % beyond 250 ms: 5 % are (ln 4 / ln 10) of the way, on log scales.
    expect(percentileMs(grid, 0.95)).toBeCloseTo(100 * 2.5 ** (Math.log(4) / Math.log(10)), 9);
  });

  test('is the first bound when hardly anything is slower, and unknown beyond the last', () => {
    expect(percentileMs({ requests: 1000, slowerThan: { '50': 3, '100': 0 } }, 0.95)).toBe(50);
    expect(percentileMs({ requests: 1000, slowerThan: { '50': 900, '100': 300 } }, 0.95)).toBeUndefined();
    expect(percentileMs({ requests: 0, slowerThan: { '50': 0 } }, 0.95)).toBeUndefined();
    expect(percentileMs(undefined, 0.95)).toBeUndefined();
  });

  test('takes an empty tail for half a request, not for none', () => {
    const found = percentileMs({ requests: 100, slowerThan: { '50': 40, '1000': 0 } }, 0.95);
    expect(found).toBeGreaterThan(50);
    expect(found).toBeLessThan(1000);
  });
});

test('the bound at or above a latency', () => {
  expect([boundAtOrAbove(grid, 100), boundAtOrAbove(grid, 101), boundAtOrAbove(grid, 1001)]).toEqual([
    100,
    250,
    undefined,
  ]);
});

test('the bounds nearest p50, p90, p95 and p99, as ratios, each once', () => {
  const reference = {
    requests: 1000,
    latencyMs: { p50: 45, p95: 160, p99: 900 },
    slowerThan: grid.slowerThan,
  };
  expect(boundsNearPercentiles(reference, [50, 100, 250, 1000])).toEqual([50, 100, 250, 1000]);
  expect(boundsNearPercentiles({ latencyMs: { p50: 3, p95: 9, p99: 20 } }, [50, 100])).toEqual([50]);
  expect(boundsNearPercentiles(reference, [])).toEqual([]);
});
