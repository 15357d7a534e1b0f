import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lnEvidenceOfFew } from '#rollout/judge/few-events.ts';
import { seededRandom } from '../../../bench/judge/random.ts';

const LEVEL = 0.004;
const at = (canary: number, other: number, r = 0.5, level = LEVEL) =>
  lnEvidenceOfFew({ canary, other }, r, level);
const isCrossed = (canary: number, other: number, r = 0.5) => at(canary, other, r) >= -Math.log(LEVEL) - 1e-9;

describe('the exact test of the first few events', () => {
  test('finds what its level allows, and one event less is not enough', () => {
    // P(all 11 on the canary) = 2^-11 = 0.00049, of which (11/30)² × 0.004 = 0.00054 may be spent; 2^-10 is 0.00098.
    expect(isCrossed(11, 0)).toBe(true);
    expect(isCrossed(10, 0)).toBe(false);
    expect(isCrossed(24, 6)).toBe(true);
    expect(isCrossed(23, 7)).toBe(false);
  });

  test('is an E of 1 before anything was seen, also where a level buys nothing', () => {
    expect(at(0, 0)).toBe(0);
    expect(at(30, 0, 0.5, 1e-12)).toBe(0);
  });

  test('is lost, and still a number, once the events are over', () => {
    for (const [canary, other] of [
      [5, 26],
      [40, 0],
      [1e9, 1e9],
    ] as const)
      expect(at(canary, other)).toBe(-50);
  });

  test('the mean of the next E is the present one, as long as there is a next', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 29 }),
        fc.integer({ min: 0, max: 29 }),
        fc.double({ min: 0.01, max: 0.95, noNaN: true }),
        (canary, other, r) => {
          fc.pre(canary + other < 30 && !isCrossed(canary, other, r));
          const now = Math.exp(at(canary, other, r));
          const next = r * Math.exp(at(canary + 1, other, r)) + (1 - r) * Math.exp(at(canary, other + 1, r));
          expect(next).toBeCloseTo(now, 6);
        },
      ),
    );
  });

  test('crosses with at most its level when events fall as often on the canary as is tolerated', () => {
    const random = seededRandom(9);
    const level = 0.05;
    const crossed = Array.from({ length: 4_000 }, () => {
      let canary = 0;
      return Array.from({ length: 30 }, (_, n) => n + 1).some((n) => {
        canary += random.uniform() < 0.3 ? 1 : 0;
        return at(canary, n - canary, 0.3, level) >= -Math.log(level) - 1e-9;
      });
    }).filter(Boolean).length;
    expect(crossed / 4_000).toBeLessThan(level + 0.01);
    expect(crossed / 4_000).toBeGreaterThan(level / 2);
  });

  test('an event more on the canary never takes evidence away', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 14 }), (canary, other) => {
        expect(at(canary + 1, other)).toBeGreaterThanOrEqual(at(canary, other + 1));
      }),
    );
  });
});
