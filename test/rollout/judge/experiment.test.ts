import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { experimentResultSchema, judgeExperiment, stopExperiment } from '#rollout/judge/experiment.ts';
import { experimentPolicySchema } from '#rollout/judge/experiment-policy.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';

const WEEK = 604_800;
const goals = (good: number, total: number): ArmCounts => ({ goals: { orders: { good, total } } });
const facts = (canary: ArmCounts, baseline: ArmCounts, judgedSeconds = 2 * WEEK, weightPercent = 50) => ({
  judgedSeconds,
  weightPercent,
  cumulative: { canary, baseline },
});
const aPolicy = (overrides: object = {}) =>
  experimentPolicySchema.parse({ goal: 'orders', horizon: { seconds: 2 * WEEK }, ...overrides });
const fixed = aPolicy();
const sequential = aPolicy({ mode: 'sequential' });
const codes = ({ reasons }: ReturnType<typeof judgeExperiment>) => reasons.map(({ code }) => code);

describe('a fixed horizon', () => {
  test('says nothing before it is reached, whatever the counts', () => {
    const result = judgeExperiment(fixed, facts(goals(900, 10_000), goals(500, 10_000), 2 * WEEK - 1));
    expect(result).toMatchObject({
      verdict: 'running',
      winner: 'none',
      n: { canary: 10_000, stable: 10_000 },
    });
    expect(result).not.toHaveProperty('difference');
    expect(result).not.toHaveProperty('interval');
    expect(codes(result)).toEqual(['experiment-open']);
  });

  test('then names the winner with its numbers', () => {
    const result = judgeExperiment(fixed, facts(goals(600, 10_000), goals(500, 10_000)));
    expect(result).toMatchObject({
      verdict: 'concluded',
      winner: 'canary',
      difference: expect.closeTo(0.01, 12),
      interval: [expect.closeTo(0.0036, 3), expect.closeTo(0.0164, 3)],
    });
    expect(result.reasons[0]?.text).toBe(
      'the canary wins: orders 6 % (600 of 10 000) on the canary, 5 % (500 of 10 000) on the stable version, +1 points (+0.361 to +1.64)',
    );
  });

  test('names the stable version, or nobody, as readily', () => {
    expect(judgeExperiment(fixed, facts(goals(500, 10_000), goals(600, 10_000))).winner).toBe('stable');
    const none = judgeExperiment(fixed, facts(goals(510, 10_000), goals(500, 10_000)));
    expect(none).toMatchObject({ verdict: 'concluded', winner: 'none' });
    expect(codes(none)).toEqual(['experiment-undecided']);
  });

  test('ends at its planned sample, and not at one arm’s', () => {
    const policy = aPolicy({ horizon: { seconds: 2 * WEEK, samplePerArm: 10_000 } });
    expect(judgeExperiment(policy, facts(goals(600, 10_000), goals(500, 9_999), WEEK)).verdict).toBe(
      'running',
    );
    expect(judgeExperiment(policy, facts(goals(600, 10_000), goals(500, 10_000), WEEK))).toMatchObject({
      verdict: 'concluded',
      winner: 'canary',
    });
  });
});

describe('a sequential experiment', () => {
  test('ends at the first look with a winner', () => {
    const open = judgeExperiment(sequential, facts(goals(60, 1_000), goals(50, 1_000), 3_600));
    expect(open).toMatchObject({
      verdict: 'running',
      winner: 'none',
      interval: [expect.any(Number), expect.any(Number)],
    });
    expect(codes(open)).toEqual(['experiment-open']);
    const won = judgeExperiment(sequential, facts(goals(700, 10_000), goals(500, 10_000), 36_000));
    expect(won).toMatchObject({ verdict: 'concluded', winner: 'canary' });
  });

  test('asks for more than a single look at the same counts would', () => {
    const counts = [goals(600, 10_000), goals(500, 10_000)] as const;
    expect(judgeExperiment(fixed, facts(...counts)).winner).toBe('canary');
    expect(judgeExperiment(sequential, facts(...counts, WEEK)).winner).toBe('none');
  });

  test('is over at its horizon without a winner too', () => {
    const result = judgeExperiment(sequential, facts(goals(510, 10_000), goals(500, 10_000)));
    expect([result.verdict, result.winner, codes(result)[0]]).toEqual([
      'concluded',
      'none',
      'experiment-undecided',
    ]);
  });
});

describe('nobody wins', () => {
  const both = [fixed, sequential];

  test.each(both)('a sample that is too small, on either arm ($mode)', (policy) => {
    for (const arms of [
      [goals(500, 999), goals(10, 1_000)],
      [goals(500, 1_000), goals(10, 999)],
    ] as const) {
      const result = judgeExperiment(policy, facts(...arms));
      expect([result.verdict, result.winner, codes(result)[0]]).toEqual([
        'concluded',
        'none',
        'sample-small',
      ]);
    }
  });

  test.each(both)('a goal that is not counted, or never could be reached ($mode)', (policy) => {
    for (const canary of [
      {},
      { requests: 5_000 },
      { goals: { clicks: { good: 1, total: 2 } } },
      goals(0, 0),
    ]) {
      const result = judgeExperiment(policy, facts(canary, goals(500, 10_000)));
      expect([result.verdict, result.winner, codes(result)]).toEqual(['concluded', 'none', ['goal-missing']]);
      expect(judgeExperiment(policy, facts(canary, goals(500, 10_000), 60)).verdict).toBe('running');
    }
  });

  test.each(both)('a split that is not the planned one, which the reason tells ($mode)', (policy) => {
    const result = judgeExperiment(policy, facts(goals(900, 9_000), goals(500, 10_000)));
    expect([result.verdict, result.winner]).toEqual(['concluded', 'none']);
    expect(result.reasons[0]).toMatchObject({
      code: 'sample-ratio-mismatch',
      text: expect.stringContaining('47.4 % of the sample is on the canary where 50 % is planned'),
    });
  });

  test('a split that is off by chance, or as planned at another weight, is none', () => {
    const even = judgeExperiment(fixed, facts(goals(600, 9_950), goals(500, 10_050)));
    expect(codes(even)).toEqual(['experiment-won']);
    const tenth = judgeExperiment(fixed, facts(goals(130, 2_000), goals(900, 18_000), 2 * WEEK, 10));
    expect([tenth.winner, codes(tenth)]).toEqual(['canary', ['experiment-won']]);
  });

  test('a difference that is not worth it', () => {
    const counts = facts(goals(600, 10_000), goals(500, 10_000));
    expect(judgeExperiment(aPolicy({ minimumDifferencePoints: 0.3 }), counts).winner).toBe('canary');
    expect(judgeExperiment(aPolicy({ minimumDifferencePoints: 0.4 }), counts).winner).toBe('none');
  });
});

describe('whatever the counts', () => {
  const arm = fc
    .tuple(fc.integer({ min: 0, max: 20_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([total, share]) => goals(Math.round(total * share), total));
  const asked = fc.record({
    mode: fc.constantFrom('fixed-horizon' as const, 'sequential' as const),
    better: fc.constantFrom('more' as const, 'less' as const),
    minimumSample: fc.integer({ min: 10, max: 5_000 }),
  });
  const judged = fc
    .tuple(asked, arm, arm, fc.constantFrom(WEEK, 2 * WEEK), fc.integer({ min: 1, max: 99 }))
    .map(([policy, canary, baseline, seconds, weight]) => ({
      policy: aPolicy(policy),
      result: judgeExperiment(aPolicy(policy), facts(canary, baseline, seconds, weight)),
    }));

  test('nobody wins below the minimum, and only who wins is decided for', () => {
    fc.assert(
      fc.property(judged, ({ policy, result }) => {
        const { verdict, winner, decision, enough, n } = result;
        if (Math.min(n.canary, n.stable) < policy.minimumSample) expect(winner).toBe('none');
        if (winner !== 'none')
          expect({ verdict, decision, enough }).toEqual({
            verdict: 'concluded',
            decision: winner,
            enough: true,
          });
        expect(decision === undefined).toBe(verdict === 'running');
        if (verdict === 'concluded') expect(enough).toBe(decision !== 'no-decision');
      }),
      { numRuns: 300 },
    );
  });

  test('its p or its evidence tells what its interval tells', () => {
    fc.assert(
      fc.property(judged, ({ policy: { alpha }, result: { interval, p, lnE } }) => {
        if (interval === undefined) return;
        const [low, high] = interval;
        const excludes = low > 0 || high < 0;
        if (p !== undefined) expect(p < alpha).toBe(excludes);
        // Nine tenths of α go to the split, the rest to how often the goal is reached at all.
        if (lnE !== undefined) expect(lnE > -Math.log(0.9 * alpha)).toBe(excludes);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an answer needs the sample that was planned', () => {
  const policy = aPolicy({ minimumDetectable: { basePercent: 5, differencePoints: 0.5 } });

  test('no winner is no difference with it, and no decision without it', () => {
    const plenty = judgeExperiment(policy, facts(goals(1_590, 31_234), goals(1_562, 31_234)));
    expect(plenty).toMatchObject({ winner: 'none', decision: 'no-difference', enough: true });
    const short = judgeExperiment(policy, facts(goals(510, 10_000), goals(500, 10_000)));
    expect(short).toMatchObject({ winner: 'none', decision: 'no-decision', enough: false });
    expect(codes(short)).toEqual(['experiment-undecided', 'sample-short']);
    expect(short.reasons[1]?.text).toBe(
      'no decision: a sample of 10 000 and 10 000 where 31 234 each were planned; a difference may have been missed',
    );
  });

  test('who wins without it has won: the horizon was no matter of what was seen', () => {
    expect(judgeExperiment(policy, facts(goals(650, 10_000), goals(500, 10_000)))).toMatchObject({
      winner: 'canary',
      enough: true,
    });
  });

  test('with a fixed horizon it is an end of its own, uneven where the split is', () => {
    const early = (canary: ArmCounts, stable: ArmCounts, weight: number) =>
      judgeExperiment(policy, facts(canary, stable, WEEK, weight)).verdict;
    expect(early(goals(1_600, 31_234), goals(1_600, 31_234), 50)).toBe('concluded');
    expect(early(goals(1_600, 31_233), goals(1_600, 31_234), 50)).toBe('running');
    expect(early(goals(1_600, 20_000), goals(8_000, 160_000), 10)).toBe('concluded');
    expect(early(goals(1_600, 31_234), goals(1_600, 31_234), 10)).toBe('running');
  });

  test('a sequential one needs what it ends with half of the time, and ends by its time', () => {
    const always = aPolicy({
      mode: 'sequential',
      minimumDetectable: { basePercent: 5, differencePoints: 0.5 },
    });
    const level = (n: number, seconds = 2 * WEEK) =>
      judgeExperiment(always, facts(goals(0.05 * n, n), goals(0.05 * n, n), seconds));
    expect(level(41_000, WEEK).verdict).toBe('running');
    expect(level(41_000).decision).toBe('no-difference');
    expect(level(35_000).decision).toBe('no-decision');
  });
});

test('stopped before its end it tells its numbers, and decides nothing', () => {
  const result = stopExperiment(fixed, facts(goals(900, 10_000), goals(500, 10_000), WEEK));
  expect(result).toMatchObject({
    verdict: 'concluded',
    winner: 'none',
    decision: 'no-decision',
    enough: false,
    reached: { canary: 900, stable: 500 },
    difference: expect.closeTo(0.04, 12),
    p: 1e-9,
  });
  expect(codes(result)).toEqual(['experiment-stopped']);
  expect(codes(stopExperiment(fixed, facts({}, {}, WEEK)))).toEqual(['goal-missing']);
});

test('where less is better the arms change places', () => {
  const policy = aPolicy({ better: 'less' });
  expect(judgeExperiment(policy, facts(goals(600, 10_000), goals(500, 10_000))).winner).toBe('stable');
  expect(judgeExperiment(policy, facts(goals(400, 10_000), goals(500, 10_000))).winner).toBe('canary');
});

test('a horizon that is not whole weeks is named beside every answer', () => {
  const policy = aPolicy({ horizon: { seconds: 3 * 86_400 } });
  expect(judgeExperiment(policy, facts(goals(600, 10_000), goals(500, 10_000))).reasons[1]?.text).toBe(
    'the horizon of 0.43 weeks is not a whole number of weeks: some weekdays count more than others',
  );
});

test('one arm is no experiment', () => {
  for (const weight of [0, 100, Number.NaN])
    expect(() => judgeExperiment(fixed, facts(goals(1, 2), goals(1, 2), WEEK, weight))).toThrow(RangeError);
});

test('its result survives JSON and fits its schema', () => {
  const result = judgeExperiment(sequential, facts(goals(600, 10_000), goals(500, 10_000)));
  expect(experimentResultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
});

test('its policy refuses what makes no question', () => {
  for (const bad of [
    { goal: '' },
    { goal: '__proto__' },
    { horizon: { seconds: 0 } },
    { alpha: 0.5 },
    { minimumSample: 1 },
    { peeks: 3 },
    { mode: 'sequential', horizon: { seconds: WEEK, samplePerArm: 5_000 } },
    { horizon: { seconds: WEEK, samplePerArm: 999 } },
    { minimumDetectable: { basePercent: 5, differencePoints: 0 } },
    { minimumDetectable: { basePercent: 5, differencePoints: -5 } },
    {
      horizon: { seconds: WEEK, samplePerArm: 5_000 },
      minimumDetectable: { basePercent: 5, differencePoints: 1 },
    },
  ])
    expect(
      experimentPolicySchema.safeParse({ goal: 'orders', horizon: { seconds: WEEK }, ...bad }).success,
    ).toBe(false);
});
