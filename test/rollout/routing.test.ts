import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRouting, isAlone, isAt, shareOf } from '#rollout/routing.ts';
import type { Routing } from '#rollout/traffic-shifter.ts';

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

  it('is described in words', () => {
    expect(describeRouting(routing('7', { '8': 10 }))).toBe('7 (90 %), 8 (10 %)');
    expect(describeRouting(routing('7'))).toBe('7 (100 %)');
  });
});
