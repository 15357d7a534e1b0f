import { expect, test } from 'vitest';
import { addArms, addProbes, armCountsSchema, errorsOf, goalOf, slowOf } from '#rollout/judge/facts.ts';

test('counts add up', () => {
  const one = { requests: 120, errors: 1, slowerThan: { '100': 9, '250': 1 } };
  const other = { requests: 80, errors: 3, slowerThan: { '100': 5, '250': 0 } };
  expect(addArms(one, other)).toEqual({ requests: 200, errors: 4, slowerThan: { '100': 14, '250': 1 } });
  expect(addArms(undefined, one)).toBe(one);
  expect(addProbes({ attempts: 3, successes: 2 }, { attempts: 3, successes: 3 })).toEqual({
    attempts: 6,
    successes: 5,
  });
});

test('a period without a count is left out of that count and of its denominator, not counted as zero', () => {
  const sum = addArms({ requests: 100, errors: 10, slowerThan: { '100': 50 } }, { requests: 900 });
  expect(sum).toMatchObject({ requests: 1000, errorsOf: 100, slowOf: 100 });
  expect(errorsOf(sum)).toEqual({ events: 10, trials: 100 });
  expect(slowOf(addArms(sum, { requests: 100, slowerThan: { '100': 0 } }), 100)).toEqual({
    events: 50,
    trials: 200,
  });
});

test('missing stays missing', () => {
  expect(errorsOf(addArms({ requests: 100 }, { requests: 100 }))).toBeUndefined();
  expect(errorsOf({ errors: 5 })).toBeUndefined();
  expect(errorsOf({ requests: 0, errors: 0 })).toBeUndefined();
  expect(slowOf({ requests: 10, slowerThan: { '100': 1 } }, 250)).toBeUndefined();
});

test('percentiles average by requests, and only where enough requests lie beyond them', () => {
  const sum = addArms(
    { requests: 300, latencyMs: { p50: 40, p95: 100 } },
    { requests: 100, latencyMs: { p50: 80, p95: 200 } },
  );
  expect(sum?.latencyMs).toEqual({ p50: 50, p95: 125 });
  const few = addArms({ requests: 300, latencyMs: { p95: 100 } }, { requests: 20, latencyMs: { p95: 900 } });
  expect(few?.latencyMs).toEqual({ p95: 100 });
  expect(
    addArms({ requests: 5, latencyMs: { p95: 1 } }, { requests: 5, latencyMs: { p95: 2 } }),
  ).not.toHaveProperty('latencyMs');
});

test('more errors than requests count as all of them', () => {
  expect(errorsOf({ requests: 3, errors: 5 })).toEqual({ events: 3, trials: 3 });
});

test.each([
  ['a negative count', { requests: -1 }],
  ['a count that is no number', { requests: '12' }],
  ['an infinite count', { requests: Number.POSITIVE_INFINITY }],
  ['null for missing', { errors: null }],
  ['an unknown member', { request: 12 }],
  ['a bound that is no number', { slowerThan: { fast: 1 } }],
  ['a bound of zero', { slowerThan: { '0': 1 } }],
])('%s is refused', (_, counts) => {
  expect(armCountsSchema.safeParse(counts).success).toBe(false);
});

test('goals add up by name, each with its own total', () => {
  const sum = addArms(
    { requests: 100, goals: { orders: { good: 2, total: 50 } } },
    { requests: 100, goals: { orders: { good: 3, total: 40 }, clicks: { good: 1, total: 9 } } },
  );
  expect(sum).toEqual({
    requests: 200,
    goals: { orders: { good: 5, total: 90 }, clicks: { good: 1, total: 9 } },
  });
  expect(goalOf(addArms(sum, { requests: 1 }), 'orders')).toEqual({ events: 5, trials: 90 });
  for (const name of ['sales', 'constructor']) expect(goalOf(sum, name)).toBeUndefined();
  expect(goalOf({ goals: { orders: { good: 0, total: 0 } } }, 'orders')).toBeUndefined();
});
