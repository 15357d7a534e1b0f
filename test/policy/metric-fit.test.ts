import { describe, expect, it } from 'vitest';
import { faultsOf } from '#platform/faults.ts';
import { albRuleArnSchema } from '#policy/alb-target-schema.ts';
import { serviceDefinitionSchema } from '#policy/service-definition.ts';
import { targetSchema } from '#policy/target.ts';
import { albTarget, albTargetOfThree, groupArn, LISTENER_ARN, RULE_ARN } from '../builders/alb.ts';
import { flagTarget } from '../builders/appconfig.ts';
import { ecsTarget } from '../builders/ecs.ts';
import { checkoutTarget } from '../builders/release.ts';
import { customTarget } from '../fakes/custom-shifter-function.ts';

const http = { source: 'cloudwatch', invokedBy: 'http' };
const faultsWith = (metrics: object, environment = 'production') => {
  const definition = { environments: { [environment]: { target: albTarget, metrics } } };
  const { error } = serviceDefinitionSchema.safeParse(definition);
  return error === undefined ? [] : faultsOf(error);
};

describe('metrics of a service behind a load balancer', () => {
  it('need nothing of the service: the load balancer counts its 5xx answers, also in production', () => {
    expect(faultsWith(http)).toEqual([]);
  });

  it.each<[string, object]>([
    ['invokedBy', { invokedBy: 'event' }],
    ['serverErrors', { serverErrors: { namespace: 'Shop', metricName: 'Errors' } }],
    ['slowerThan.from', { slowerThan: { from: 'count-metrics', namespace: 'Shop', prefix: 'Slow' } }],
    ['periodSeconds', { periodSeconds: 10 }],
  ])('are refused where they would never be read, and the field is named: %s', (field, metrics) => {
    for (const environment of ['production', 'staging'])
      expect(faultsWith({ ...http, ...metrics }, environment)).toEqual([
        { path: `environments.${environment}.metrics.${field}`, message: expect.stringMatching(/^must be/) },
      ]);
  });
});

describe('metrics of a custom target', () => {
  it('do not come from CloudWatch, which would have none for ever, and the field is named', () => {
    const target = { kind: 'custom', functionName: 'edge-shifter', alias: 'live' };
    const { error } = serviceDefinitionSchema.safeParse({
      environments: { staging: { target, metrics: http } },
    });
    expect(error && faultsOf(error)).toEqual([
      { path: 'environments.staging.metrics.source', message: expect.stringMatching(/^must be/) },
    ]);
  });
});

describe("a service's own counts in CloudWatch", () => {
  const own = {
    source: 'cloudwatch-custom',
    namespace: 'Shop',
    dimensions: { Version: '{version}' },
    requests: 'Requests',
    errors: 'Failures',
  };
  const faults = (target: object, metrics: object) => {
    const { error } = serviceDefinitionSchema.safeParse({
      environments: { production: { target, metrics } },
    });
    return error === undefined ? [] : faultsOf(error).map(({ path }) => path);
  };

  it('go with every kind of target', () => {
    for (const target of [checkoutTarget, albTarget, ecsTarget, flagTarget, customTarget])
      expect(faults(target, own), target.kind).toEqual([]);
  });

  it('are told apart by the name of a service only where services have names: of an ECS target', () => {
    const byPlace = { ...own, dimensions: { Service: 'shop-{place}' } };
    expect(faults(ecsTarget, byPlace)).toEqual([]);
    expect(faults(flagTarget, byPlace)).toEqual(['environments.production.metrics.dimensions.Service']);
  });

  it.each<[string, object]>([
    ['dimensions', { dimensions: { Service: 'shop' } }],
    ['dimensions', { dimensions: {} }],
    ['errors', { errors: undefined }],
    ['latency.unit', { latency: { metricName: 'Latency', unit: 'minutes' } }],
    ['periodSeconds', { periodSeconds: 7 }],
  ])('are refused when nothing could be read by them, and the field is named: %s', (field, change) => {
    expect(faults(checkoutTarget, { ...own, ...change })).toEqual([
      `environments.production.metrics.${field}`,
    ]);
  });

  it('are needed where AWS counts nothing by version: of a feature flag', () => {
    expect(faults(flagTarget, http)).toEqual(['environments.production.metrics.source']);
  });
});

describe('metrics of ECS services', () => {
  it('are those of the load balancer before them', () => {
    const { error } = serviceDefinitionSchema.safeParse({
      environments: { production: { target: ecsTarget, metrics: { ...http, periodSeconds: 10 } } },
    });
    expect(error && faultsOf(error).map(({ path }) => path)).toEqual([
      'environments.production.metrics.periodSeconds',
    ]);
  });
});

describe('an ALB target', () => {
  it('is a rule or a listener with two or three named groups', () => {
    for (const target of [albTarget, albTargetOfThree]) expect(targetSchema.parse(target)).toEqual(target);
  });

  it.each<[string, object]>([
    ['one group', { targetGroups: { blue: groupArn('blue') } }],
    ['four groups', { targetGroups: { ...albTargetOfThree.targetGroups, red: groupArn('red') } }],
    ['the same group twice', { targetGroups: { blue: groupArn('blue'), green: groupArn('blue') } }],
    ['a group that is no name', { targetGroups: { Blue: groupArn('blue'), green: groupArn('green') } }],
    ['a group without its ARN', { targetGroups: { blue: 'shop-blue', green: groupArn('green') } }],
    ['the rule of a network load balancer', { ruleArn: LISTENER_ARN.replace('/app/', '/net/') }],
    ['any rule', { ruleArn: RULE_ARN.replace('9683b2d02a6cabee', '*') }],
    ['another key', { stickiness: true }],
  ])('is refused with %s', (_what, change) => {
    expect(targetSchema.safeParse({ ...albTarget, ...change }).success).toBe(false);
  });

  it('never reaches further by its ARN than the rule it names', () => {
    for (const arn of [`${RULE_ARN}/x`, ` ${RULE_ARN}`, `${RULE_ARN}\n`, `${LISTENER_ARN}?`])
      expect(albRuleArnSchema.safeParse(arn).success, arn).toBe(false);
  });
});
