import { expect, test } from 'vitest';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';

test('the defaults are those of the specification', () => {
  expect(judgePolicySchema.parse({})).toMatchObject({
    score: {
      availability: { weight: 0.4, healthyPercentMin: 99.9, promotionPercentMin: 95, rollbackPercentMin: 85 },
      errorRate: { weight: 0.35, healthyPercentMax: 0.1, promotionPercentMax: 1, rollbackPercentMax: 5 },
      latencyP95: { weight: 0.25, promotionIncreasePercentMax: 20, rollbackIncreasePercentMax: 100 },
      averageMin: 85,
    },
    evidence: { alpha: 0.01, margin: 0.1, concentration: 10, errorRatePercentMax: 5, p99MsMax: 2000 },
    failedRoundsMax: 2,
    minimumCanaryRequests: 100,
    promoteOn: 'health',
    onInsufficientData: 'hold',
  });
});

test.each([
  ['an unknown key', { minimumRequests: 5 }],
  ['an unknown key deep inside', { evidence: { weights: { errors: 1 } } }],
  ['error bounds out of order', { score: { errorRate: { promotionPercentMax: 6 } } }],
  ['availability bounds out of order', { score: { availability: { rollbackPercentMin: 97 } } }],
  ['latency bounds out of order', { score: { latencyP95: { rollbackIncreasePercentMax: 20 } } }],
  [
    'no component with a weight',
    { score: { availability: { weight: 0 }, errorRate: { weight: 0 }, latencyP95: { weight: 0 } } },
  ],
  [
    'no test with a weight',
    {
      evidence: {
        weights: {
          errorsRelative: 0,
          slowRelative: 0,
          errorsAbsolute: 0,
          p99Absolute: 0,
          p95Absolute: 0,
          errorsFew: 0,
        },
      },
    },
  ],
  ['promotion without any request', { minimumCanaryRequests: 0 }],
  ['an α of 1', { evidence: { alpha: 1 } }],
  ['a dispersion that invents data', { evidence: { dispersionMin: 0.5 } }],
])('%s is refused', (_, policy) => {
  expect(judgePolicySchema.safeParse(policy).success).toBe(false);
});
