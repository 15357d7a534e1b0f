import { describe, expect, test } from 'vitest';
import { lnEvidence, toleratedShare } from '#rollout/judge/e-value.ts';
import { addStages, weighEvidence } from '#rollout/judge/evidence.ts';
import type { ArmFacts, BaselineHistory } from '#rollout/judge/facts.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { arm, defaultPolicy } from './builders.ts';

const nothing = { carriedEvidence: {}, previousEvidence: {}, stageEvidence: {} };
const weigh = (facts: ArmFacts, history?: BaselineHistory, policy = defaultPolicy) =>
  weighEvidence(facts, undefined, history, nothing, policy);
const slowBounds = (facts: ArmFacts, history?: BaselineHistory) =>
  weigh(facts, history).tests.flatMap((row) => (row.test === 'slow-relative' ? [row.boundMs] : []));
const testOf = (facts: ArmFacts, name: string, history?: BaselineHistory, policy = defaultPolicy) =>
  weigh(facts, history, policy).tests.find(({ test: found }) => found === name);

describe('the relative test', () => {
  test('takes the canary’s share of requests, not of weight', () => {
    const facts = { canary: arm(150, 20), baseline: arm(850, 40) };
    expect(testOf(facts, 'errors-relative')).toMatchObject({
      canary: 20,
      baseline: 40,
      share: 0.15,
      ...lnEvidence({ canary: 20, other: 40 }, toleratedShare(0.15, 0.1), 10),
    });
  });

  test('is left out where an arm is empty or lacks the count', () => {
    expect(testOf({ canary: arm(100, 5), baseline: arm(0, 0) }, 'errors-relative')).toBeUndefined();
    expect(testOf({ canary: arm(0, 0), baseline: arm(900, 5) }, 'errors-relative')).toBeUndefined();
    expect(testOf({ canary: arm(100, 5) }, 'errors-relative')).toBeUndefined();
    expect(testOf({ canary: { requests: 100 }, baseline: arm(900, 5) }, 'errors-relative')).toBeUndefined();
  });

  test('of slow requests stands at the bounds near the percentiles, and counts as their mean', () => {
    const { tests, stage } = weigh({ canary: arm(1000, 0), baseline: arm(9000, 0) });
    const slow = tests.filter(({ test: name }) => name === 'slow-relative');
    expect(slowBounds({ canary: arm(1000, 0), baseline: arm(9000, 0) })).toEqual([50, 100, 200]);
    const mean = slow.reduce((sum, { lnE1 }) => sum + Math.exp(lnE1) / slow.length, 0);
    expect(stage['slow-relative']).toBeCloseTo(Math.log(mean), 12);
  });

  test('keeps to the bounds of the history, which later data can’t move', () => {
    const history = {
      counts: arm(36_000, 36, { latencyMs: { p50: 200, p95: 500, p99: 2000 }, slowerThan: {} }),
    };
    const facts = { canary: arm(1000, 0), baseline: arm(9000, 0) };
    expect(slowBounds(facts, history)).toEqual([200, 500, 2000]);
  });
});

describe('the absolute tests', () => {
  test('errors against 5 %, p99 against 1 % beyond 2 s, p95 against 5 % beyond 1.2 × the baseline’s', () => {
    const { tests } = weigh({ canary: arm(1000, 3), baseline: arm(9000, 9) });
    expect(tests.filter((row) => 'limit' in row)).toMatchObject([
      { test: 'errors-absolute', canary: 3, of: 1000, limit: 0.05 },
      { test: 'p99-absolute', boundMs: 2000, canary: 0, of: 1000, limit: 0.01 },
      { test: 'p95-absolute', boundMs: 200, canary: 20, of: 1000, limit: 0.05 },
    ]);
  });

  test('grant an unhealthy baseline 1.5 times its own share, and nothing once that is everything', () => {
    expect(testOf({ canary: arm(100, 12), baseline: arm(900, 72) }, 'errors-absolute')).toMatchObject({
      limit: expect.closeTo(0.12),
    });
    expect(testOf({ canary: arm(100, 80), baseline: arm(900, 720) }, 'errors-absolute')).toBeUndefined();
  });

  test('do not trust the p95 of nine requests', () => {
    const baseline = arm(9, 0, { latencyMs: { p95: 80 }, slowerThan: { '100': 0, '200': 0 } });
    const slow = { slowerThan: { '100': 10, '200': 5 } };
    expect(testOf({ canary: arm(28, 0, slow), baseline }, 'p95-absolute')?.lnE1).toBeLessThan(1);
  });

  test('use the history where there is no second arm', () => {
    const history = { counts: arm(36_000, 36) };
    expect(testOf({ canary: arm(1000, 0) }, 'p95-absolute', history)).toMatchObject({ boundMs: 200 });
    expect(testOf({ canary: arm(1000, 0) }, 'p95-absolute')).toBeUndefined();
  });

  test('are left out beyond the grid', () => {
    const narrow = { slowerThan: { '50': 400, '100': 60 } };
    const { tests } = weigh({ canary: arm(1000, 0, narrow), baseline: arm(9000, 0, narrow) });
    expect(tests.map(({ test: name }) => name)).not.toContain('p99-absolute');
  });
});

describe('combined', () => {
  test('E is the weighted mean; a test without data is an E of 1', () => {
    const facts = { canary: { requests: 1000, errors: 20 }, baseline: { requests: 9000, errors: 40 } };
    const { lnE, stage } = weigh(facts);
    const [few = 0, relative = 0] = [stage['errors-few'], stage['errors-relative']];
    const absolute = Math.exp(stage['errors-absolute'] ?? 0);
    const rest = 0.06 + 0.01 + 0.01;
    expect(Math.exp(lnE)).toBeCloseTo(
      0.4 * Math.exp(few) + 0.5 * Math.exp(relative) + 0.02 * absolute + rest,
      6,
    );
  });

  test('weights and α are policy', () => {
    const policy = judgePolicySchema.parse({
      evidence: { alpha: 0.001, weights: { errorsRelative: 0, errorsFew: 0 } },
    });
    const { lnE, threshold } = weigh(
      { canary: { requests: 1000, errors: 20 }, baseline: { requests: 9000, errors: 40 } },
      undefined,
      policy,
    );
    expect(threshold).toBeCloseTo(Math.log(1000), 12);
    expect(lnE).toBeLessThan(0);
  });

  test('no data is no evidence', () => {
    expect(weigh({})).toMatchObject({ lnE: expect.closeTo(0, 12), tests: [] });
  });

  test('bursts known from history, or from policy, weaken what is seen', () => {
    const facts = { canary: arm(1000, 30), baseline: arm(9000, 60) };
    const plain = weigh(facts).lnE;
    const bursty = weigh(facts, { dispersion: { errors: 3 } }).lnE;
    expect(bursty).toBeLessThan(plain - 3);
    const policy = judgePolicySchema.parse({ evidence: { dispersionMin: 3 } });
    for (const [history, chosen] of [
      [{ dispersion: { errors: 3 } }, defaultPolicy] as const,
      [undefined, policy] as const,
    ]) {
      expect(testOf(facts, 'errors-relative', history, chosen)).toMatchObject({
        canary: 30,
        baseline: 60,
        ...lnEvidence({ canary: 10, other: 20 }, toleratedShare(0.1, 0.1), 10),
      });
      expect(testOf(facts, 'errors-absolute', history, chosen)).toMatchObject({
        canary: 30,
        of: 1000,
        ...lnEvidence({ canary: 10, other: 970 / 3 }, 0.05, 10),
      });
    }
  });

  test('stages add their logs, each test on its own', () => {
    expect(
      addStages(
        { 'errors-relative': 2, 'p99-absolute': -1 },
        { 'errors-relative': 1.5, 'slow-relative': 0.5 },
      ),
    ).toEqual({
      'errors-relative': 3.5,
      'slow-relative': 0.5,
      'p99-absolute': -1,
    });
    const facts = { canary: { requests: 1000, errors: 15 }, baseline: { requests: 9000, errors: 40 } };
    const alone = weigh(facts).stage['errors-relative'] ?? 0;
    const carried = {
      ...nothing,
      carriedEvidence: { 'errors-relative': 1 },
      previousEvidence: { 'errors-relative': 2 },
    };
    const after = weighEvidence(facts, undefined, undefined, carried, defaultPolicy);
    expect(Math.exp(after.lnE)).toBeGreaterThan(0.5 * Math.exp(alone + 3));
  });
});

describe('the test of few errors', () => {
  const few = (canary: number, baseline: number, carried = 0) =>
    weighEvidence(
      { canary: { requests: 1000, errors: canary }, baseline: { requests: 1000, errors: baseline } },
      undefined,
      undefined,
      { ...nothing, carriedEvidence: { 'errors-few': carried } },
      defaultPolicy,
    );

  const fewOf = ({ tests }: ReturnType<typeof weigh>) =>
    tests.find(({ test: name }) => name === 'errors-few');

  test('reaches 1/α by itself once its boundary is crossed', () => {
    expect(fewOf(few(24, 5))).toMatchObject({ canary: 24, baseline: 5, share: 0.5 });
    expect(fewOf(few(24, 5))?.lnE1).toBeGreaterThanOrEqual(Math.log(100 / 0.4));
    expect(few(24, 5).lnE).toBeGreaterThanOrEqual(Math.log(100));
    expect(few(19, 8).lnE).toBeLessThan(Math.log(100));
  });

  test('spends what earlier stages left of it, and no more', () => {
    expect(fewOf(few(24, 5, -2))?.lnE1).toBeLessThan(Math.log(100 / 0.4));
    expect(fewOf(few(27, 2, -2))?.lnE1).toBeGreaterThanOrEqual(Math.log(100 / 0.4) + 2);
    expect(few(27, 2, -2).lnE).toBeGreaterThanOrEqual(Math.log(100));
    expect(fewOf(few(30, 0, -50))?.lnE1).toBe(0);
  });

  test('rounds what bursts leave of its counts in the canary’s favour', () => {
    const both = (errors: number) => ({
      canary: { requests: 1000, errors },
      baseline: { requests: 1000, errors: 4 },
    });
    const divided = testOf(both(30), 'errors-few', { dispersion: { errors: 1.3 } });
    expect(divided).toMatchObject({ canary: 30, lnE1: testOf(both(23), 'errors-few')?.lnE1 });
  });
});

describe('data of the stage before that settles late', () => {
  const facts = { canary: { requests: 1000, errors: 15 }, baseline: { requests: 9000, errors: 40 } };
  const first = weigh(facts);
  const found = { ...nothing, previousEvidence: first.stage };

  test('counts for that stage, in place of what was known of it', () => {
    const more = { canary: { requests: 1100, errors: 25 }, baseline: { requests: 9900, errors: 44 } };
    const late = weighEvidence({}, more, undefined, found, defaultPolicy);
    expect(late.previous).toEqual(weigh(more).stage);
    expect(late.lnE).toBe(weigh(more).lnE);
    expect(late.testsBefore).toEqual(weigh(more).tests);
    expect(late.tests).toEqual([]);
  });

  test('changes nothing where there is none, or it lacks the count', () => {
    const none = weighEvidence({}, undefined, undefined, found, defaultPolicy);
    expect(none.previous).toEqual(first.stage);
    expect(none).not.toHaveProperty('testsBefore');
    const blind = weighEvidence({}, { canary: { requests: 1100 } }, undefined, found, defaultPolicy);
    expect(blind.lnE).toBe(first.lnE);
  });
});
