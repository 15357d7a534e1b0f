import { describe, expect, it } from 'vitest';
import { faultsOf } from '#platform/faults.ts';
import { serviceDefinitionSchema } from '#policy/service-definition.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { checkoutTarget } from '../builders/release.ts';

const cloudwatch = { source: 'cloudwatch', invokedBy: 'event' };
const environment = { target: checkoutTarget, metrics: cloudwatch };
const parse = (environments: Record<string, unknown>, more: object = {}) =>
  serviceDefinitionSchema.safeParse({ environments, ...more });
const faultPaths = (environments: Record<string, unknown>, more: object = {}): readonly string[] => {
  const { error } = parse(environments, more);
  return error === undefined ? [] : faultsOf(error).map(({ path }) => path);
};
const metricsOf = (metrics: object) =>
  parse({ staging: { ...environment, metrics: { ...cloudwatch, ...metrics } } });

describe('a service definition', () => {
  it('needs a target and where its facts come from; the rest has safe defaults', () => {
    expect(parse({ production: environment }).data?.environments.production).toEqual({
      ...environment,
      plan: 'standard',
      onActiveRelease: 'refuse',
      hooks: [],
      waves: [],
      metrics: { ...cloudwatch, periodSeconds: 60, slowerThan: { from: 'trimmed-count' } },
      judge: judgePolicySchema.parse({}),
    });
  });

  it('of a function behind HTTP needs its 5xx count in production, because Lambda takes a 500 for a success', () => {
    const http = { ...environment, metrics: { ...cloudwatch, invokedBy: 'http' } };
    const serverErrors = { namespace: 'Checkout', metricName: 'ServerErrors' };
    expect(faultPaths({ production: http })).toEqual(['environments.production.metrics.serverErrors']);
    expect(parse({ staging: http }).success).toBe(true);
    expect(parse({ production: environment }).success).toBe(true);
    expect(parse({ production: { ...http, metrics: { ...http.metrics, serverErrors } } }).success).toBe(true);
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['without an environment', {}, {}],
    ['with an environment that is no name', { 'Prod uction': environment }, {}],
    ['with an unknown key', { staging: environment }, { team: 'pay' }],
    ['with an unknown key inside', { staging: { ...environment, weight: 5 } }, {}],
    ['without a target', { staging: { metrics: cloudwatch } }, {}],
    ['without metrics', { staging: { target: checkoutTarget } }, {}],
    ['with an owner that no ledger can hold', { staging: environment }, { owner: 'team \ud800' }],
    [
      'with a policy that scores nonsense',
      { staging: { ...environment, judge: { score: { averageMin: 101 } } } },
      {},
    ],
  ])('is refused %s', (_what, environments, more) => {
    expect(parse(environments, more).success).toBe(false);
  });

  it.each<[string, unknown]>([
    ['none', []],
    ['one twice', ['slow', 'slow']],
    ['a name of nothing', ['']],
    ['half a character', ['\ud800']],
    ['a name that is too long', ['x'.repeat(256)]],
    ['more than one composite alarm would hold together', Array.from({ length: 11 }, (_, n) => `a${n}`)],
  ])('is refused with guard alarms: %s', (_what, guardAlarms) => {
    expect(faultPaths({ staging: { ...environment, guardAlarms } })[0]).toMatch(
      /^environments\.staging\.guardAlarms/,
    );
  });

  it('may name guard alarms', () => {
    expect(faultPaths({ staging: { ...environment, guardAlarms: ['Slow checkout (p99)', 'über'] } })).toEqual(
      [],
    );
  });

  it.each<[string, unknown]>([
    [
      'an ARN for a function',
      { ...checkoutTarget, functionName: 'arn:aws:lambda:eu-central-1:1:function:x' },
    ],
    ['a version for an alias', { ...checkoutTarget, alias: '12' }],
    ['the unpublished code for an alias', { ...checkoutTarget, alias: '$LATEST' }],
    ['a kind that does not exist', { ...checkoutTarget, kind: 'ecs' }],
    ['another key', { ...checkoutTarget, regions: ['eu-west-1'] }],
  ])('is refused with %s as its target', (_what, target) => {
    expect(parse({ staging: { ...environment, target } }).success).toBe(false);
  });
});

describe('metrics by CloudWatch', () => {
  it.each([1, 5, 10, 30, 60, 120, 3_600])('come in periods of %s s', (periodSeconds) => {
    expect(metricsOf({ periodSeconds }).success).toBe(true);
  });

  it.each([0, -60, 2, 15, 45, 61, 90, 60.5])(
    'do not come in periods of %s s, which would read as no data for ever',
    (periodSeconds) => {
      expect(metricsOf({ periodSeconds }).success).toBe(false);
    },
  );

  it.each<[string, object]>([
    ['an empty name', { serverErrors: { namespace: 'Checkout', metricName: '' } }],
    ['a namespace with a space', { serverErrors: { namespace: 'My App', metricName: 'Errors' } }],
    ['a way to count that does not exist', { slowerThan: { from: 'histogram' } }],
    ['counts without their prefix', { slowerThan: { from: 'count-metrics', namespace: 'Checkout' } }],
    ['data that never settles', { settleSeconds: 3_601 }],
    ['data that settles before it is there', { settleSeconds: -1 }],
    ['a source that does not exist', { source: 'prometheus' }],
  ])('are refused with %s', (_what, metrics) => {
    expect(metricsOf(metrics).success).toBe(false);
  });
});
