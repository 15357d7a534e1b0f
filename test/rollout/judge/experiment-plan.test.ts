import { expect, test } from 'vitest';
import { normalUpperQuantile, sampleAtHorizon, sampleSequential } from '#rollout/judge/experiment-plan.ts';
import { plannedInterval } from '#rollout/judge/proportion-difference.ts';
import { seededRandom } from '../../../bench/judge/random.ts';

const question = { baseRate: 0.05, difference: 0.005, share: 0.5, alpha: 0.05, power: 0.8 };

test('quantiles of the normal distribution', () => {
  expect(normalUpperQuantile(0.025)).toBeCloseTo(1.959963985, 6);
  expect(normalUpperQuantile(0.2)).toBeCloseTo(0.841621234, 6);
  expect(normalUpperQuantile(0.0005)).toBeCloseTo(3.290526731, 6);
});

test('the sample at a horizon is the textbook’s, and finds the difference as often as it says', () => {
  expect(sampleAtHorizon(question)).toEqual({ canary: 31_234, stable: 31_234 });
  const random = seededRandom(8);
  const n = 31_234;
  const found = Array.from({ length: 1_000 }, () =>
    plannedInterval(
      { events: random.binomial(n, 0.055), trials: n },
      { events: random.binomial(n, 0.05), trials: n },
      0.05,
    ),
  ).filter(([low]) => low > 0);
  expect(found.length / 1_000).toBeCloseTo(0.79, 1);
});

test('an uneven split needs more in all, a larger difference less', () => {
  const total = ({ canary, stable }: { canary: number; stable: number }) => canary + stable;
  const tenth = sampleAtHorizon({ ...question, share: 0.1 });
  expect(tenth.stable / tenth.canary).toBeCloseTo(9, 2);
  expect(total(tenth)).toBeGreaterThan(2 * total(sampleAtHorizon(question)));
  expect(total(sampleAtHorizon({ ...question, difference: -0.01 }))).toBeLessThan(17_000);
});

test('a sequential experiment takes longer than one look, not many times as long', () => {
  const { canary } = sampleSequential(question);
  expect(canary).toBeGreaterThan(31_234);
  expect(canary).toBeLessThan(2 * 31_234);
});
