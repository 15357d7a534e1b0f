import { expect, test } from 'vitest';
import { devianceTerm, lnBetaCdf, lnWeightedSum, stirlingError } from '#rollout/judge/special-functions.ts';
import vectors from './data/high-precision.json' with { type: 'json' };

/** Reference values from mpmath 1.4.1 with 50 digits; x are binary fractions, so that 1 − x is exact. */
test.each(vectors.betaCdf)('both tails of Beta($a, $b) at $x', ({ a, b, x, lnLower, lnUpper }) => {
  const close = (found: number, exact: number) =>
    expect(Math.abs(found - exact)).toBeLessThanOrEqual(1e-9 * Math.max(Math.abs(exact), 1e-3));
  close(lnBetaCdf(a, b, x, 1 - x), lnLower);
  close(lnBetaCdf(b, a, 1 - x, x), lnUpper);
});

test('Stirling’s error at factorials, by their definition', () => {
  const byDefinition = (n: number, lnFactorial: number) =>
    lnFactorial - ((n + 0.5) * Math.log(n + 1) - (n + 1) + 0.5 * Math.log(2 * Math.PI));
  expect(stirlingError(1)).toBeCloseTo(byDefinition(0, 0), 14);
  expect(stirlingError(6)).toBeCloseTo(byDefinition(5, Math.log(120)), 13);
  expect(stirlingError(21)).toBeCloseTo(byDefinition(20, Math.log(2432902008176640000)), 12);
});

test('the deviance keeps its digits where x and m nearly agree', () => {
  // x ln(x/m) + m − x ≈ (x − m)²/(2m) there.
  expect(devianceTerm(1e9 + 1, 1e9) / 5e-10).toBeCloseTo(1, 6);
  expect(devianceTerm(7, 7)).toBe(0);
  expect(devianceTerm(0, 3)).toBe(3);
});

test('a weighted sum of logs neither overflows nor loses the small ones', () => {
  expect(
    lnWeightedSum([
      { weight: 0.5, ln: 5e7 },
      { weight: 0.5, ln: 0 },
    ]),
  ).toBeCloseTo(5e7 + Math.log(0.5), 6);
  expect(
    lnWeightedSum([
      { weight: 0.5, ln: -5e7 },
      { weight: 0.5, ln: -5e7 },
    ]),
  ).toBeCloseTo(-5e7, 6);
  expect(
    lnWeightedSum([
      { weight: 0, ln: 900 },
      { weight: 1, ln: 1 },
    ]),
  ).toBe(1);
});
