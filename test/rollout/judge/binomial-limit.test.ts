import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exceedsBeyondChance, lowerLimit, upperLimit } from '#rollout/judge/binomial-limit.ts';
import vectors from './data/high-precision.json' with { type: 'json' };

test.each(vectors.limits)('limits of $events of $trials', ({ events, trials, alpha, lower, upper }) => {
  expect(Math.abs(lowerLimit(events, trials, alpha) - lower)).toBeLessThanOrEqual(1e-8 * lower);
  expect(Math.abs(upperLimit(events, trials, alpha) - upper)).toBeLessThanOrEqual(1e-8 * upper);
});

test('the lower limit is where that many events or more have probability α', () => {
  // P(X ≥ 2 | n = 5, p) = 1 − (1−p)⁵ − 5p(1−p)⁴, written out.
  const p = lowerLimit(2, 5, 0.01);
  expect(1 - (1 - p) ** 5 - 5 * p * (1 - p) ** 4).toBeCloseTo(0.01, 12);
});

test('no trials bound nothing', () => {
  expect([lowerLimit(0, 0, 0.01), upperLimit(0, 0, 0.01)]).toEqual([0, 1]);
  expect(exceedsBeyondChance(0, 0, 0, 0.01)).toBe(false);
});

const trials = fc.double({ min: 1e-3, max: 1e9, noNaN: true });
const share = fc.double({ min: 0, max: 1, noNaN: true });

test('limits enclose the observed share, for non-integer counts up to a billion', () => {
  fc.assert(
    fc.property(trials, share, (n, observed) => {
      const [low, high] = [lowerLimit(n * observed, n, 0.01), upperLimit(n * observed, n, 0.01)];
      expect(low).toBeGreaterThanOrEqual(0);
      expect(low).toBeLessThanOrEqual(observed);
      expect(high).toBeGreaterThanOrEqual(observed);
      expect(high).toBeLessThanOrEqual(1);
    }),
  );
});

test('the one-tail shortcut agrees with the limit', () => {
  fc.assert(
    fc.property(trials, share, fc.double({ min: 1e-6, max: 0.999, noNaN: true }), (n, observed, limit) => {
      const low = lowerLimit(n * observed, n, 0.01);
      fc.pre(Math.abs(low - limit) > 1e-9 * limit);
      expect(exceedsBeyondChance(n * observed, n, limit, 0.01)).toBe(low > limit);
    }),
  );
});
