import { describe, expect, test } from 'vitest';
import { experimentResultSchema, judgeExperiment } from '#rollout/judge/experiment.ts';
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
  ])
    expect(
      experimentPolicySchema.safeParse({ goal: 'orders', horizon: { seconds: WEEK }, ...bad }).success,
    ).toBe(false);
});
