import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routingOf, weightsFor } from '#rollout/adapters/alb-weights.ts';
import { isAlone, isAt } from '#rollout/routing.ts';

const groups = fc.constantFrom<string[]>(['blue', 'green'], ['green', 'blue'], ['c', 'a', 'b']);
const split = groups.chain((names) =>
  fc.record({
    names: fc.constant(names),
    pair: fc.shuffledSubarray(names, { minLength: 2, maxLength: 2 }),
    weightPercent: fc.integer({ min: 0, max: 100 }),
    seed: fc.nat(),
  }),
);

describe('weights of target groups', () => {
  it('mean exactly the split that was asked for, and which group is the primary', () => {
    fc.assert(
      fc.property(split, ({ names, pair: [stable = '', canary = ''], weightPercent, seed }) => {
        const weights = weightsFor(names, { primary: stable, canary, weightPercent }, {}, (n) => seed % n);
        for (const weight of Object.values(weights)) {
          expect(Number.isInteger(weight)).toBe(true);
          expect(weight).toBeGreaterThanOrEqual(0);
          expect(weight).toBeLessThanOrEqual(999);
        }
        expect(Object.keys(weights).toSorted()).toEqual(names.toSorted());
        expect(isAt({ ...routingOf(names, weights), revision: '' }, { stable, canary, weightPercent })).toBe(
          true,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('differ with every write, also with one that moves nothing: each takes another common divisor', () => {
    fc.assert(
      fc.property(split, ({ names, pair: [primary = '', canary = ''], weightPercent, seed }) => {
        const write = (present: Record<string, number>) =>
          weightsFor(names, { primary, canary, weightPercent }, present, (n) => seed % n);
        const first = write({});
        expect(write(first)).not.toEqual(first);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [{ blue: 1 }, 'blue'],
    [{ blue: 1, green: 0 }, 'blue'],
    [{ blue: 0, green: 1 }, 'green'],
    [{ blue: 0, green: 10 }, 'green'],
    [{ blue: 100, green: 0 }, 'blue'],
    [{ blue: 0, green: 100 }, 'green'],
    [{ blue: 999, green: 0 }, 'blue'],
    [{ blue: 0, green: 999 }, 'green'],
  ])('as people and infrastructure code write them, %j, are all traffic on %s', (weights, primary) => {
    expect(isAlone({ ...routingOf(['blue', 'green'], weights), revision: '' }, primary)).toBe(true);
  });

  it.each([
    [{ blue: 90, green: 10 }],
    [{ blue: 1, green: 1 }],
    [{ amber: 30, blue: 70 }],
    [{ blue: 7, 'arn:other': 3 }],
  ])('that split traffic, %j, are never read as one group alone', (weights: Record<string, number>) => {
    const routing = routingOf(['amber', 'blue', 'green'], weights);
    expect(Object.keys(routing.weights)).toHaveLength(1);
    expect(weights[routing.primary]).toBeGreaterThan(0);
  });

  it('that are all zero, or not there, are no traffic anywhere', () => {
    for (const weights of [{}, { blue: 0, green: 0 }])
      expect(routingOf(['blue', 'green'], weights)).toEqual({ primary: '', weights: {} });
  });
});
