import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRouting, isAlone, isAt, shareOf } from '#rollout/routing.ts';
import type { CanaryWeight, Routing } from '#rollout/traffic-shifter.ts';

const routing = (primary: string, weights: Record<string, number> = {}): Routing => ({
  primary,
  weights,
  revision: 'r1',
});
const at = (weightPercent: number) => ({ stable: '1', canary: '2', weightPercent });

describe('shares of traffic', () => {
  it('leave the primary what no weight sends elsewhere', () => {
    const split = routing('1', { '2': 25 });
    expect([shareOf(split, '1'), shareOf(split, '2'), shareOf(split, '3')]).toEqual([75, 25, 0]);
  });

  it('add up to everything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (weightPercent) => {
        const split = routing('1', { '2': weightPercent });
        expect(shareOf(split, '1') + shareOf(split, '2')).toBe(100);
      }),
    );
  });
});

describe('verified traffic', () => {
  it('is alone only without anything beside it: all of the traffic by weight can still be split', () => {
    expect(isAlone(routing('1'), '1')).toBe(true);
    expect(isAlone(routing('2'), '1')).toBe(false);
    expect(isAlone(routing('1', { '2': 100 }), '2')).toBe(false);
    expect(isAlone(routing('1', { '2': 0.5 }), '1')).toBe(false);
  });

  it.each<[string, Routing, number, boolean]>([
    ['at its weight', routing('1', { '2': 5 }), 5, true],
    ['within what a stored fraction rounds', routing('1', { '2': 33.001 }), 33, true],
    ['half a percent off', routing('1', { '2': 5.5 }), 5, false],
    ['at another weight', routing('1', { '2': 25 }), 5, false],
    ['without a canary', routing('1'), 0, true],
    ['with a canary where none belongs', routing('1', { '2': 1 }), 0, false],
    ['behind another stable version', routing('3', { '2': 5 }), 5, false],
    ['beside a third version', routing('1', { '2': 5, '3': 1 }), 5, false],
    ['beside another canary', routing('1', { '3': 5 }), 5, false],
    ['with everything by weight', routing('1', { '2': 100 }), 100, true],
    ['with everything by promotion, which is another state', routing('2'), 100, false],
  ])('%s', (_name, found, weightPercent, expected) => {
    expect(isAt(found, at(weightPercent))).toBe(expected);
  });

  it.each<[string, Partial<Routing>, Partial<CanaryWeight>, boolean]>([
    ['testers with the canary', { testers: '2' }, {}, true],
    ['testers still with the stable version', { testers: '1' }, {}, false],
    ['testers elsewhere', { testers: '3' }, {}, false],
    ['callers that stay where they were', { sticky: true }, {}, false],
    ['callers that stay where they were, as wanted', { sticky: true }, { sticky: true }, true],
    ['callers that do not stay, though they should', {}, { sticky: true }, false],
  ])('with %s', (_name, found, wanted, expected) => {
    expect(isAt({ ...routing('1', { '2': 5 }), ...found }, { ...at(5), ...wanted })).toBe(expected);
  });

  it('is alone only with testers and everyone else on it', () => {
    expect(isAlone({ ...routing('1'), testers: '1' }, '1')).toBe(true);
    expect(isAlone({ ...routing('1'), testers: '2' }, '1')).toBe(false);
    expect(isAlone({ ...routing('1'), sticky: true }, '1')).toBe(false);
  });

  it('of a preview is testers alone; a target that does not know any has none', () => {
    const preview = { ...at(0), preview: true } as const;
    expect(isAt({ ...routing('1'), testers: '2' }, preview)).toBe(true);
    expect(isAt({ ...routing('1'), testers: '1' }, preview)).toBe(false);
    expect(isAt(routing('1'), preview)).toBe(false);
  });

  it('is described in words', () => {
    expect(describeRouting({ ...routing('7'), testers: '8', sticky: true })).toBe(
      '7 (100 %), 8 (testers), sticky',
    );
    expect(describeRouting(routing('7', { '8': 10 }))).toBe('7 (90 %), 8 (10 %)');
    expect(describeRouting(routing('7'))).toBe('7 (100 %)');
  });
});
