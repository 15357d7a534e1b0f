import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Arm, measureArm } from '#rollout/judge/components.ts';
import { componentScore, explainScore, scoreHealth } from '#rollout/judge/health-score.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { arm, defaultPolicy } from './builders.ts';

const score = (canary: Arm, baseline: Arm = {}, policy = defaultPolicy) =>
  scoreHealth(canary, baseline, undefined, policy);

describe('the score of one component', () => {
  const only = (component: 'availability' | 'errorRate' | 'latencyP95') =>
    judgePolicySchema.parse({
      score: {
        availability: { weight: component === 'availability' ? 1 : 0 },
        errorRate: { weight: component === 'errorRate' ? 1 : 0 },
        latencyP95: { weight: component === 'latencyP95' ? 1 : 0 },
      },
    });

  test.each([
    [1000, 100],
    [999, 100],
    [974.5, 92.5],
    [950, 85],
    [900, 42.5],
    [850, 0],
    [100, 0],
  ])('availability: %d of 1000 probes → %d', (successes, expected) => {
    expect(score({ probes: { attempts: 1000, successes } }, {}, only('availability'))).toMatchObject({
      score: expect.closeTo(expected, 9),
    });
  });

  test.each([
    [0, 100],
    [10, 100],
    [55, 92.5],
    [100, 85],
    [300, 42.5],
    [500, 0],
    [9000, 0],
  ])('error rate: %d of 10 000 → %d', (errors, expected) => {
    expect(score({ counts: arm(10_000, errors) }, {}, only('errorRate'))).toMatchObject({
      score: expect.closeTo(expected, 9),
    });
  });

  test.each([
    [80, 100],
    [100, 100],
    [110, 92.5],
    [120, 85],
    [160, 42.5],
    [200, 0],
    [500, 0],
  ])('p95 of %d ms against 100 ms → %d', (p95, expected) => {
    const [canary, baseline] = [{ counts: { latencyMs: { p95 } } }, { counts: { latencyMs: { p95: 100 } } }];
    expect(score(canary, baseline, only('latencyP95'))).toMatchObject({ score: expect.closeTo(expected, 9) });
  });
});

test('components weigh 0.40, 0.35 and 0.25', () => {
  const canary = {
    counts: arm(10_000, 300, { latencyMs: { p95: 120 } }),
    probes: { attempts: 1000, successes: 1000 },
  };
  const found = score(canary, { counts: arm(90_000, 90, { latencyMs: { p95: 100 } }) });
  expect(found).toMatchObject({
    coverage: 'complete',
    score: expect.closeTo(0.4 * 100 + 0.35 * 42.5 + 0.25 * 85, 9),
  });
});

test('a component without data leaves its weight to the others, and none at all is no score', () => {
  const found = score({ counts: { requests: 10_000, errors: 300 }, probes: { attempts: 10, successes: 10 } });
  expect(found).toMatchObject({
    coverage: 'partial',
    missing: ['latency-p95'],
    score: expect.closeTo((0.4 * 100 + 0.35 * 42.5) / 0.75, 9),
  });
  expect(score({})).toEqual({
    coverage: 'inconclusive',
    measures: [],
    missing: ['availability', 'error-rate', 'latency-p95'],
  });
  expect(score({ counts: { requests: 0, errors: 0 }, probes: { attempts: 0, successes: 0 } }).coverage).toBe(
    'inconclusive',
  );
});

describe('the interval', () => {
  test('few requests may be chance, many are not', () => {
    const upper = (requests: number, errors: number) => {
      const found = score({ counts: { requests, errors } });
      return found.coverage === 'inconclusive' ? undefined : found.scoreUpper;
    };
    expect(upper(20, 1)).toBe(100);
    expect(upper(20_000, 1000)).toBeLessThan(15);
  });

  test('p95 counts against the canary only as far as slow requests prove it', () => {
    const baseline = { counts: arm(1800, 0) };
    const measure = (requests: number, slow: number) => {
      const counts = {
        requests,
        errors: 0,
        latencyMs: { p95: 300 },
        slowerThan: { '100': slow, '200': slow, '500': 0 },
      };
      return measureArm({ counts }, baseline, undefined, defaultPolicy).find(
        ({ component }) => component === 'latency-p95',
      );
    };
    expect(measure(20, 2)).toMatchObject({
      value: expect.closeTo(300 / 110 - 1),
      favourable: -1,
      missed: false,
    });
    expect(measure(2000, 200)).toMatchObject({ favourable: expect.closeTo(200 / 110 - 1), missed: true });
    const unproven = { counts: { requests: 5000, latencyMs: { p95: 900 } } };
    expect(measureArm(unproven, baseline, undefined, defaultPolicy)).toMatchObject([
      { favourable: -1, missed: false },
    ]);
  });

  test('is never below the score, and errors never raise either', () => {
    const count = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), count, count, (requests, some, more) => {
        const [few, many] = [Math.min(some, requests), Math.min(some + more, requests)];
        const [better, worse] = [few, many].map((errors) =>
          score({ counts: { requests, errors } }, { counts: arm(9000, 9) }),
        );
        if (better?.coverage === 'inconclusive' || worse?.coverage === 'inconclusive' || !better || !worse)
          throw new Error('no score');
        expect(better.scoreUpper).toBeGreaterThanOrEqual(better.score - 1e-9);
        expect(worse.score).toBeLessThanOrEqual(better.score + 1e-9);
        expect(worse.scoreUpper).toBeLessThanOrEqual(better.scoreUpper + 1e-9);
      }),
    );
  });
});

describe('an unhealthy baseline', () => {
  const baseline = { counts: arm(90_000, 3600) };

  test('makes the limit 1.5 times its own value, on a scale that keeps its order', () => {
    const [measure] = measureArm(
      { counts: { requests: 10_000, errors: 600 } },
      baseline,
      undefined,
      defaultPolicy,
    );
    expect(measure?.scale).toEqual({
      healthy: 0.001,
      promotion: expect.closeTo(0.06),
      rollback: expect.closeTo(0.09),
      unhealthyBaseline: 0.04,
    });
    expect(measure && componentScore(measure.value, measure.scale)).toBeCloseTo(85);
  });

  test('is no excuse for a canary that is worse than that', () => {
    const [equal] = measureArm(
      { counts: { requests: 10_000, errors: 420 } },
      baseline,
      undefined,
      defaultPolicy,
    );
    const [worse] = measureArm(
      { counts: { requests: 10_000, errors: 800 } },
      baseline,
      undefined,
      defaultPolicy,
    );
    expect([equal?.missed, worse?.missed]).toEqual([false, true]);
  });

  test('says so', () => {
    const canary = { counts: { requests: 10_000, errors: 420 } };
    const reasons = explainScore(score(canary, baseline), canary, baseline);
    expect(reasons.find(({ code }) => code === 'baseline-unhealthy')?.text).toBe(
      "the baseline's own error-rate is past the limit (4 %), so the limit is 6 %",
    );
  });

  test('with few requests may have been lucky: the canary is not blamed for being ordinary', () => {
    // 4 of 60 alone is past 1 % beyond chance (lower limit 1.4 %), but none of 60 is no proof of a healthy baseline.
    const [measure] = measureArm(
      { counts: { requests: 60, errors: 4 } },
      { counts: { requests: 60, errors: 0 } },
      undefined,
      defaultPolicy,
    );
    expect(measure).toMatchObject({ missed: false, favourable: 0.01 });
  });
});

test('what costs next to nothing is not worth a reason', () => {
  const canary = { counts: { requests: 100_000, errors: 102 } };
  expect(explainScore(score(canary), canary, {}).map(({ code }) => code)).toEqual(['data-missing']);
});

test('every point lost has its reason, with numbers', () => {
  const canary = {
    counts: arm(100, 4, { latencyMs: { p95: 165 } }),
    probes: { attempts: 20, successes: 19 },
  };
  const baseline = { counts: arm(900, 1) };
  const reasons = explainScore(score(canary, baseline), canary, baseline);
  expect(reasons.map(({ text }) => text)).toEqual([
    '6 points lost: 5 % of probes failed (1 of 20), limit 5 %',
    '27.6 points lost: error rate 4 % (4 of 100), limit 1 %',
    '11.7 points lost: p95 +50 % on the baseline (165 ms against 110 ms), limit +20 %',
  ]);
  const found = score(canary, baseline);
  const lost = reasons.reduce((sum, { facts }) => sum + Number(facts.points), 0);
  expect(found.coverage !== 'inconclusive' && 100 - found.score).toBeCloseTo(lost, 9);
});
