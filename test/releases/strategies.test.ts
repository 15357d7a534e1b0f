import { describe, expect, it } from 'vitest';
import { InvalidRequestError, PolicyDeniedError } from '#platform/errors.ts';
import { serviceDefinitionSchema } from '#policy/service-definition.ts';
import type { Strategy } from '#policy/strategy-schema.ts';
import { draftRelease } from '#releases/draft-release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { stepsOf } from '#releases/step.ts';
import { albTarget, RULE_ARN } from '../builders/alb.ts';
import { ecsTarget } from '../builders/ecs.ts';
import { experimentInput } from '../builders/experiment.ts';
import { ann, NOW, releaseIdOf } from '../builders/release.ts';
import { aDefinition, aRegisteredService, definitionInput } from '../builders/service.ts';
import { memoryServices } from '../fakes/memory-services.ts';

const smoke = {
  name: 'smoke-test',
  at: 'before-traffic' as const,
  call: { kind: 'lambda' as const, functionName: 'smoke', alias: 'live' },
};

const byGroup = { source: 'cloudwatch', invokedBy: 'http' };

const draft = async (
  strategy: string,
  environment: string,
  {
    allowed = ['canary'],
    hooks = [],
    more = {},
    asked = {},
  }: { allowed?: Strategy[]; hooks?: (typeof smoke)[]; more?: object; asked?: object } = {},
) => {
  const services = memoryServices();
  const { environments } = definitionInput();
  const production = environments.production;
  const staging = environments.staging;
  if (production === undefined || staging === undefined) throw new Error('the builder has both');
  const definition = aDefinition({
    environments: { production: { ...production, hooks }, staging: { ...staging, hooks, ...more } },
  });
  await services.put(aRegisteredService({ definition }));
  const request = releaseRequestSchema.parse({
    service: 'checkout',
    environment,
    version: '2',
    strategy,
    ...asked,
  });
  return draftRelease(
    { services, productionStrategies: allowed },
    { request, requestedBy: ann, key: 'k', requestDigest: 'd', releaseId: releaseIdOf(1), at: NOW },
  );
};

describe('a strategy', () => {
  it('all at once is one step at 100 %, judged as the last stage of the plan, and watched', async () => {
    const { plan } = await draft('all-at-once', 'staging');
    expect(plan.stages).toEqual([{ weightPercent: 100, rounds: 15, roundSeconds: 60 }]);
    expect(plan.watchSeconds).toBe(900);
  });

  it.each(['all-at-once', 'blue-green'])(
    '%s is refused in production unless the stage allows it',
    async (strategy) => {
      await expect(draft(strategy, 'production', { hooks: [smoke] })).rejects.toBeInstanceOf(
        PolicyDeniedError,
      );
      await expect(draft(strategy, 'production', { hooks: [smoke] })).rejects.toThrow('productionStrategies');
      const allowed: Strategy[] = ['canary', 'all-at-once', 'blue-green'];
      expect((await draft(strategy, 'production', { hooks: [smoke], allowed })).strategy).toBe(strategy);
    },
  );

  it.each([
    ['target', { target: ecsTarget, metrics: byGroup }],
    ['wave', { waves: [{ name: 'shop', target: ecsTarget, metrics: byGroup, bakeSeconds: 0 }] }],
  ])(
    'blue-green is refused for an ECS %s: the check would meet no task of the new version',
    async (_, more) => {
      const asked = draft('blue-green', 'staging', { hooks: [smoke], more });
      await expect(asked).rejects.toBeInstanceOf(InvalidRequestError);
      await expect(asked).rejects.toThrow('an ECS service runs it only after');
      expect(await draft('canary', 'staging', { hooks: [smoke], more })).toMatchObject({
        strategy: 'canary',
      });
    },
  );

  it('blue-green needs something that checks the new version before it gets traffic', async () => {
    await expect(draft('blue-green', 'staging')).rejects.toBeInstanceOf(InvalidRequestError);
    const release = await draft('blue-green', 'staging', { hooks: [smoke] });
    expect(release).toMatchObject({ hooks: [{ name: 'smoke-test' }], plan: { name: 'blue-green' } });
  });

  it.each(['rollback', 'drill'])('%s can not be asked for as a release', (strategy) => {
    const asked = { service: 'checkout', environment: 'production', version: '2', strategy };
    expect(releaseRequestSchema.safeParse(asked).success).toBe(false);
  });
});

const ordersByVersion = {
  source: 'cloudwatch-custom',
  namespace: 'Shop',
  dimensions: { Version: '{version}' },
  requests: 'Requests',
  errors: 'Failures',
  goals: { orders: { good: 'Orders', total: 'Sessions' } },
};
const shop = { target: albTarget, metrics: ordersByVersion };
const testerRuleArn = RULE_ARN.replace('9683b2d02a6cabee', '0123456789abcdef');

/** Why the strategy is refused: the paths and words of each fault. */
const refusalOf = async (more: object, asked: object = {}): Promise<string> => {
  try {
    await draft('experiment', 'staging', { more, asked });
  } catch (error) {
    if (error instanceof InvalidRequestError)
      return (error.faults ?? []).map(({ path, message }) => `${path}: ${message}`).join('\n');
    throw error;
  }
  return 'taken in';
};

describe('an experiment', () => {
  it('is a step with its split and hourly rounds, and after it all traffic in one that is watched', async () => {
    const release = await draft('experiment', 'staging', {
      more: { ...shop, experiment: experimentInput() },
    });
    expect(release.plan).toMatchObject({
      name: 'experiment',
      stages: [{ weightPercent: 100, rounds: 15, roundSeconds: 60 }],
      watchSeconds: 900,
      experiment: { rounds: 336, roundSeconds: 3_600, settings: { goal: 'orders', onSuccess: 'restore' } },
    });
    expect(stepsOf(release).map(({ kind, split, weightPercent }) => [kind, split, weightPercent])).toEqual([
      ['experiment', 'cookie', 50],
      ['stage', undefined, 100],
      ['watch', undefined, 100],
    ]);
  });

  it('asks what the request asks, rather than the service', async () => {
    const asked = { experiment: experimentInput({ mode: 'sequential', horizon: { seconds: 3_600 } }) };
    const more = { ...shop, experiment: experimentInput() };
    const { plan } = await draft('experiment', 'staging', { more, asked });
    expect(plan.experiment).toMatchObject({ rounds: 60, roundSeconds: 60, settings: { mode: 'sequential' } });
    expect(await refusalOf(shop)).toContain('experiment: must say goal, horizon and split');
  });

  it('is refused in production unless the stage allows it', async () => {
    await expect(draft('experiment', 'production')).rejects.toThrow('productionStrategies');
  });

  const asked = (overrides: Parameters<typeof experimentInput>[0] = {}) => ({
    experiment: experimentInput(overrides),
  });
  const byPlace = { ...ordersByVersion, dimensions: { Service: '{place}' } };
  it.each<[string, object, object, string]>([
    [
      'an alias, whose callers are drawn anew each time',
      { metrics: ordersByVersion },
      asked(),
      'experiment.split: needs a target behind a load balancer',
    ],
    [
      'a header that no rule matches',
      shop,
      asked({ split: { by: 'header' } }),
      'experiment.split.by: needs a target with testerRuleArn',
    ],
    [
      'a goal that nothing counts',
      shop,
      asked({ goal: 'clicks' }),
      'experiment.goal: must be a goal that the metrics count by version (goals); the metrics count orders',
    ],
    ['metrics that count no goals', { ...shop, metrics: byGroup }, asked(), 'the metrics count none'],
    [
      'waves',
      {
        ...shop,
        metrics: byPlace,
        target: ecsTarget,
        waves: [{ name: 'eu', target: { ...albTarget, ruleArn: testerRuleArn }, metrics: ordersByVersion }],
      },
      asked(),
      'experiment: needs an environment without waves',
    ],
    [
      'a judge that looks at probes only',
      { ...shop, judge: { measures: 'probes-only' } },
      asked(),
      'looks at probes only',
    ],
    [
      'a horizon shorter than a period',
      { ...shop, metrics: { ...ordersByVersion, periodSeconds: 300 } },
      asked({ horizon: { seconds: 60 } }),
      'must be at least a period of the metrics (300)',
    ],
    [
      'a first weight beside its split',
      shop,
      { ...asked(), firstStageWeightPercent: 5 },
      'firstStageWeightPercent: must be left out',
    ],
  ])('is refused for %s', async (_, more, request, because) => {
    expect(await refusalOf(more, request)).toContain(because);
  });

  it.each([
    ['groups by cookie', shop, asked()],
    [
      'groups by header',
      { ...shop, target: { ...albTarget, testerRuleArn } },
      asked({ split: { by: 'header' } }),
    ],
    ['ECS services by cookie', { target: ecsTarget, metrics: byPlace }, asked()],
    [
      'counts that only a function knows',
      { ...shop, metrics: { source: 'lambda', functionName: 'counts' } },
      asked(),
    ],
  ])('splits %s', async (_, more, request) => {
    expect(await refusalOf(more, request)).toBe('taken in');
  });

  it('is no part of another strategy', async () => {
    await expect(draft('canary', 'staging', { more: shop, asked: asked() })).rejects.toThrow(
      'asks no question',
    );
  });

  it('that a service can not have is refused when that is registered', () => {
    const register = (experiment: object) =>
      serviceDefinitionSchema.safeParse({ environments: { staging: { ...shop, experiment } } });
    expect(register(experimentInput()).success).toBe(true);
    const refused = register(experimentInput({ goal: 'clicks' }));
    expect(refused.error?.issues.map(({ path }) => path.join('.'))).toEqual([
      'environments.staging.experiment.goal',
    ]);
    expect(register({ ...experimentInput(), split: { by: 'cookie', weightPercent: 100 } }).success).toBe(
      false,
    );
    expect(register({ ...experimentInput(), peek: true }).success).toBe(false);
  });
});
