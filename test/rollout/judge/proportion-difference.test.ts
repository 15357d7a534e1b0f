import { describe, expect, test } from 'vitest';
import { anytimeInterval, plannedInterval } from '#rollout/judge/proportion-difference.ts';
import { seededRandom } from '../../../bench/judge/random.ts';

const of = (events: number, trials: number) => ({ events, trials });

describe('the interval for one planned look', () => {
  test('is a little wider than Newcombe’s with Wilson limits, because its own are exact', () => {
    // Newcombe 1998, table II, example (a), method 10: 56/70 − 48/80 in 0.0524 to 0.3339.
    const [low, high] = plannedInterval(of(56, 70), of(48, 80), 0.05);
    expect(low).toBeGreaterThan(0.0524 - 0.012);
    expect(low).toBeLessThan(0.0524);
    expect(high).toBeGreaterThan(0.3339);
    expect(high).toBeLessThan(0.3339 + 0.012);
  });

  test('stays within the possible, and nothing against nothing is no difference', () => {
    const [low, high] = plannedInterval(of(0, 10), of(0, 20), 0.05);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
    expect(plannedInterval(of(10, 10), of(0, 10), 0.05)[1]).toBeCloseTo(1, 9);
  });

  test('turns round with its arms', () => {
    const [low, high] = plannedInterval(of(30, 400), of(50, 500), 0.05);
    expect(plannedInterval(of(50, 500), of(30, 400), 0.05)).toEqual([
      expect.closeTo(-high, 12),
      expect.closeTo(-low, 12),
    ]);
  });

  test('misses the truth about as often as it says', () => {
    const random = seededRandom(5);
    const missed = Array.from({ length: 2_000 }, () =>
      plannedInterval(of(random.binomial(900, 0.04), 900), of(random.binomial(300, 0.06), 300), 0.05),
    ).filter(([low, high]) => low > -0.02 || high < -0.02);
    expect(missed.length / 2_000).toBeLessThan(0.06);
    expect(missed.length / 2_000).toBeGreaterThan(0.01);
  });
});

describe('the interval that holds at all looks', () => {
  /** How often it ever excludes the truth, over 60 looks, where each is assigned by a coin. */
  const everMissed = (rates: readonly [number, number], share: number) => {
    const random = seededRandom(6);
    const misses = Array.from({ length: 120 }, () => {
      let [good, goodStable, n, m] = [0, 0, 0, 0];
      return Array.from({ length: 60 }).some(() => {
        const assigned = random.binomial(400, share);
        good += random.binomial(assigned, rates[0]);
        goodStable += random.binomial(400 - assigned, rates[1]);
        [n, m] = [n + assigned, m + 400 - assigned];
        const [low, high] = anytimeInterval(of(good, n), of(goodStable, m), share, 0.05);
        return low > rates[0] - rates[1] || high < rates[0] - rates[1];
      });
    });
    return misses.filter(Boolean).length / misses.length;
  };

  test.each([
    [[0.05, 0.05] as const, 0.5],
    [[0.06, 0.05] as const, 0.5],
    [[0.02, 0.03] as const, 0.1],
    [[0.8, 0.78] as const, 0.5],
  ])('ever excludes the truth %j at a share of %d at most as often as α says', (rates, share) => {
    expect(everMissed(rates, share)).toBeLessThan(0.05);
  });

  test('is no narrower than the one for one look, and shrinks', () => {
    const at = (n: number) => anytimeInterval(of(0.05 * n, n), of(0.05 * n, n), 0.5, 0.05);
    const planned = plannedInterval(of(500, 10_000), of(500, 10_000), 0.05);
    expect(at(10_000)[0]).toBeLessThan(planned[0]);
    expect(at(10_000)[1]).toBeGreaterThan(planned[1]);
    expect(at(1e8)[1]).toBeLessThan(2e-4);
  });

  test('knows little of little: no event, or one look at a handful', () => {
    expect(anytimeInterval(of(0, 3), of(0, 3), 0.5, 0.05)).toEqual([
      expect.closeTo(-1, 0),
      expect.closeTo(1, 0),
    ]);
    const [low, high] = anytimeInterval(of(3, 3), of(0, 3), 0.5, 0.05);
    expect(low).toBeLessThan(0);
    expect(high).toBe(1);
  });

  test('of those who reach the goal and of those who don’t is the same, turned round', () => {
    const [low, high] = anytimeInterval(of(900, 1000), of(880, 1000), 0.5, 0.05);
    const [lowRest, highRest] = anytimeInterval(of(100, 1000), of(120, 1000), 0.5, 0.05);
    expect([low, high]).toEqual([-highRest, -lowRest]);
  });
});
