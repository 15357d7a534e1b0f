import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import {
  cumulativeFacts,
  judgedSeconds,
  roundFacts,
  roundsSettled,
  settledWindow,
  settleSecondsOf,
} from '#rollout/stage-clock.ts';
import { NOW_MS } from '../builders/release.ts';

const seconds = (number: number) => number * 1_000;
const served = (start: number, requests: number, errors = 0): PeriodFacts => ({
  start,
  facts: { canary: { requests, errors }, baseline: { requests: 10 * requests, errors } },
});

describe("a stage's window of settled data", () => {
  it('begins with the first whole period under the weight and ends with the last settled one', () => {
    const window = settledWindow(NOW_MS + seconds(1), NOW_MS + seconds(400), 60, 120);
    expect(window).toEqual({ from: NOW_MS + seconds(60), to: NOW_MS + seconds(240) });
    expect(judgedSeconds(window)).toBe(180);
  });

  it('takes the period in which the weight was set only when it was set at its very start', () => {
    expect(settledWindow(NOW_MS, NOW_MS + seconds(60), 60, 0).from).toBe(NOW_MS);
    expect(settledWindow(NOW_MS + 1, NOW_MS + seconds(60), 60, 0).from).toBe(NOW_MS + seconds(60));
  });

  it('is empty, never negative, until something has settled', () => {
    const window = settledWindow(NOW_MS, NOW_MS + seconds(119), 60, 120);
    expect(window).toEqual({ from: NOW_MS, to: NOW_MS });
    expect(judgedSeconds(window)).toBe(0);
  });

  it('holds whole periods only, none before the shift and none unsettled, and only grows', () => {
    const time = fc.integer({ min: 0, max: 10_000_000 });
    const period = fc.constantFrom(1, 5, 10, 30, 60, 300);
    fc.assert(
      fc.property(
        time,
        time,
        time,
        period,
        fc.integer({ min: 0, max: 3_600 }),
        (shift, wait, more, p, settle) => {
          const shiftedAt = NOW_MS + shift;
          const now = shiftedAt + wait;
          const window = settledWindow(shiftedAt, now, p, settle);
          expect(window.from % seconds(p)).toBe(0);
          expect(window.to % seconds(p)).toBe(0);
          expect(window.from).toBeGreaterThanOrEqual(shiftedAt);
          if (window.to > window.from) expect(window.to).toBeLessThanOrEqual(now - seconds(settle));
          const later = settledWindow(shiftedAt, now + more, p, settle);
          expect(later.from).toBe(window.from);
          expect(later.to).toBeGreaterThanOrEqual(window.to);
        },
      ),
    );
  });

  it('waits for metrics as long as the service says, or as a request may run and Lambda takes to count', () => {
    expect(settleSecondsOf({ settleSeconds: 0 }, { timeoutSeconds: 30 })).toBe(0);
    expect(settleSecondsOf({}, { timeoutSeconds: 30 })).toBe(150);
    expect(settleSecondsOf({}, {})).toBe(120);
  });
});

describe('the rounds of a stage', () => {
  const window = { from: NOW_MS, to: NOW_MS + seconds(180) };
  const periods = [
    served(NOW_MS - seconds(60), 1_000, 1_000),
    served(NOW_MS, 1),
    served(NOW_MS + seconds(60), 2, 1),
    served(NOW_MS + seconds(120), 4),
    served(NOW_MS + seconds(180), 1_000, 1_000),
  ];

  it.each([
    [0, 0],
    [59, 0],
    [60, 1],
    [179, 2],
    [180, 3],
    [6_000, 100],
  ])('are over when they lie wholly in settled data: %s s → %s', (settled, rounds) => {
    const judged = { from: NOW_MS, to: NOW_MS + seconds(settled) };
    expect(roundsSettled(judged, { roundSeconds: 60 })).toBe(rounds);
  });

  it('share out the data of the window, each period once, and nothing outside of it', () => {
    const requests = [1, 2, 3].map((number) => roundFacts(periods, window, 60, number).canary?.requests);
    expect(requests).toEqual([1, 2, 4]);
    expect(cumulativeFacts(periods, window).canary).toMatchObject({ requests: 7, errors: 1 });
    expect(cumulativeFacts(periods, window).baseline).toMatchObject({ requests: 70 });
  });

  it('have no data, rather than zeroes, where nothing is known', () => {
    expect(roundFacts([], window, 60, 1)).toEqual({});
    expect(cumulativeFacts([], window)).toEqual({});
  });

  it('that are shorter than a period take the periods that start in them', () => {
    expect(roundFacts(periods, window, 30, 1).canary?.requests).toBe(1);
    expect(roundFacts(periods, window, 30, 2)).toEqual({});
    expect(roundFacts(periods, window, 90, 1).canary?.requests).toBe(3);
  });

  it('together are the whole, however they are cut', () => {
    const some = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 10 }), (counts, periodsPerRound) => {
        const data = counts.map((requests, index) => served(NOW_MS + seconds(10 * index), requests));
        const rounds = Math.floor(counts.length / periodsPerRound);
        const judged = { from: NOW_MS, to: NOW_MS + seconds(10 * periodsPerRound * rounds) };
        const sum = Array.from(
          { length: rounds },
          (_, index) => roundFacts(data, judged, 10 * periodsPerRound, index + 1).canary?.requests ?? 0,
        ).reduce((total, requests) => total + requests, 0);
        expect(sum).toBe(cumulativeFacts(data, judged).canary?.requests ?? 0);
      }),
    );
  });
});
