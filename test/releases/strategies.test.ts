import { describe, expect, it } from 'vitest';
import { InvalidRequestError, PolicyDeniedError } from '#platform/errors.ts';
import type { Strategy } from '#policy/strategy-schema.ts';
import { draftRelease } from '#releases/draft-release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { ecsTarget } from '../builders/ecs.ts';
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
  }: { allowed?: Strategy[]; hooks?: (typeof smoke)[]; more?: object } = {},
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
  const request = releaseRequestSchema.parse({ service: 'checkout', environment, version: '2', strategy });
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
