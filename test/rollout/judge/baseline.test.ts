import { describe, expect, test } from 'vitest';
import { baselineDrift } from '#rollout/judge/baseline-drift.ts';
import { historyOf } from '#rollout/judge/history.ts';
import { arm, defaultPolicy } from './builders.ts';

describe('the dispersion of the baseline’s past', () => {
  const looks = (errors: readonly number[], requests = 1000) => errors.map((count) => arm(requests, count));

  test('is variance over mean where traffic is steady', () => {
    // mean 10, Σ(x − mean)² = 4 · 64 = 256, variance 256 / 3
    expect(historyOf(looks([2, 18, 2, 18])).dispersion?.errors).toBeCloseTo(256 / 3 / 10, 9);
  });

  test('is never below 1', () => {
    expect(historyOf(looks([10, 10, 10, 10])).dispersion).toMatchObject({
      errors: 1,
      slowerThan: { '50': 1 },
    });
    expect(historyOf(looks([0, 0, 0])).dispersion?.errors).toBe(1);
    expect(historyOf(looks([7])).dispersion?.errors).toBe(1);
  });

  test('is 1 while the variance is above the mean by no more than chance', () => {
    const alternating = (low: number, high: number) =>
      historyOf(looks(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? low : high)))).dispersion
        ?.errors;
    // Means 10: variances 12.1 and 14.4 of 99, where two standard errors of such looks are 0.29.
    expect(alternating(10 - 3.46, 10 + 3.46)).toBe(1);
    expect(alternating(10 - 3.77, 10 + 3.77)).toBeCloseTo(1.435, 2);
    // Two errors in one look of 360, and one in another, are no burst.
    expect(historyOf(looks([2, 1, ...Array(358).fill(0)])).dispersion?.errors).toBe(1);
  });

  test('does not take rising and falling traffic for bursts', () => {
    const tide = [100, 1000, 5000, 1000, 100].map((requests) => arm(requests, requests / 100));
    expect(historyOf(tide).dispersion?.errors).toBe(1);
  });

  test('comes with the sum of the looks, and is nothing without looks', () => {
    expect(historyOf(looks([1, 2])).counts).toMatchObject({ requests: 2000, errors: 3 });
    expect(historyOf([])).toEqual({});
  });
});

describe('baseline drift', () => {
  const history = { counts: arm(36_000, 360) };
  const drift = (requests: number, errors: number, overrides = {}) =>
    baselineDrift({ baseline: arm(requests, errors, overrides) }, history, defaultPolicy);

  test.each([
    ['no more than 20 % is none', 20_000, 235, []],
    ['more, but by chance, is none', 200, 4, []],
    ['twice the errors is', 20_000, 400, ['error-rate']],
    ['half the errors is', 20_000, 100, ['error-rate']],
  ])('%s', (_, requests, errors, components) => {
    expect(drift(requests, errors).map(({ facts }) => facts.component)).toEqual(components);
  });

  test('of p95 is seen in the slow counts, either way', () => {
    const slower = drift(10_000, 100, { slowerThan: { '50': 6000, '100': 3000, '200': 900 } });
    expect(slower).toMatchObject([
      { code: 'baseline-drift', facts: { component: 'latency-p95', rose: true, boundMs: 200 } },
    ]);
    const faster = drift(10_000, 100, { slowerThan: { '50': 100, '100': 20, '200': 0 } });
    expect(faster).toMatchObject([{ facts: { component: 'latency-p95', rose: false, boundMs: 50 } }]);
  });

  test('needs a history and a second arm', () => {
    expect(baselineDrift({ baseline: arm(20_000, 900) }, undefined, defaultPolicy)).toEqual([]);
    expect(baselineDrift({ canary: arm(20_000, 900) }, history, defaultPolicy)).toEqual([]);
  });
});
