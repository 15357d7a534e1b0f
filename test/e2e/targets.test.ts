import { randomUUID } from 'node:crypto';
import { AppConfigClient } from '@aws-sdk/client-appconfig';
import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeServicesCommand, ECSClient } from '@aws-sdk/client-ecs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { timelineOf } from '../../cli/timeline.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import type {
  ExperimentSettings,
  experimentSettingsSchema,
} from '../../functions/policy/experiment-schema.ts';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import type { Target } from '../../functions/policy/target.ts';
import { REQUESTED_EVENT } from '../../functions/releases/requested-event.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { albShifter } from '../../functions/rollout/adapters/alb-shifter.ts';
import { appConfigShifter } from '../../functions/rollout/adapters/appconfig-shifter.ts';
import { ecsShifter } from '../../functions/rollout/adapters/ecs-shifter.ts';
import {
  type ExperimentFacts,
  type ExperimentResult,
  judgeExperiment,
} from '../../functions/rollout/judge/experiment.ts';
import { LOCAL_REGION } from '../../local/credentials.ts';
import { ALIAS, createCheckout } from '../../local/demo/checkout.ts';
import { OTHER_REGION, RUNNING_DIGEST } from './aws-targets.ts';
import { putEvent } from './doors/bus.ts';
import { awsSettings, ended, eventually, getRelease, operator, recorded, world } from './harness.ts';

const { alb, ecs, flag } = world.targets;
type ExperimentInput = z.input<typeof experimentSettingsSchema>;

const NEXT_DIGEST = `sha256:${'b'.repeat(64)}`;
const balancers = new ElasticLoadBalancingV2Client(awsSettings);
const containers = new ECSClient(awsSettings);

/**
 * Publishes counts by version as the service would, every second, until it is disposed of; also how many of a hundred visitors
 * order, where that is said.
 */
const counting = (
  failPercentByVersion: Readonly<Record<string, number>>,
  region = LOCAL_REGION,
  orderPercentByVersion: Readonly<Record<string, number>> = {},
): AsyncDisposable => {
  const cloudWatch = new CloudWatchClient({ ...awsSettings, region });
  const put = () => {
    const Timestamp = new Date(Math.floor(Date.now() / 1_000) * 1_000);
    const data = Object.entries(failPercentByVersion).flatMap(([version, failPercent]) => {
      const served = { Requests: 100, Failures: failPercent, Slower50: 0, Slower100: 0 };
      const orderPercent = orderPercentByVersion[version];
      const visits = orderPercent === undefined ? {} : { Visits: 100, Orders: orderPercent };
      return Object.entries({ ...served, ...visits }).map(([MetricName, Value]) => ({
        MetricName,
        Value,
        Timestamp,
        StorageResolution: 1,
        Dimensions: [{ Name: 'Version', Value: version }],
      }));
    });
    return cloudWatch.send(new PutMetricDataCommand({ Namespace: 'Shop', MetricData: data }));
  };
  let last: Promise<unknown> = put();
  const timer = setInterval(() => {
    last = put();
  }, 1_000);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await last;
      cloudWatch.destroy();
    },
  };
};

/** A service of a test's own on one of the targets, judged by counts of its own. */
const register = async (
  service: string,
  target: Target,
  environment = 'production',
  experiment?: ExperimentInput,
): Promise<void> => {
  await operator.call(serviceRoutes.putService, {
    params: { service },
    body: {
      environments: {
        [environment]: {
          target,
          ...(experiment && { experiment }),
          plan: {
            stages: [
              { weightPercent: 25, rounds: 2, roundSeconds: 2 },
              { weightPercent: 100, rounds: 1, roundSeconds: 2 },
            ],
            stageDeadlineSeconds: 60,
            holdSeconds: 3,
            watchSeconds: 2,
          },
          metrics: {
            source: 'cloudwatch-custom',
            namespace: 'Shop',
            dimensions: { Version: '{version}' },
            requests: 'Requests',
            errors: 'Failures',
            slowerThanPrefix: 'Slower',
            goals: { orders: { good: 'Orders', total: 'Visits' } },
            periodSeconds: 1,
            settleSeconds: 2,
          },
          judge: { minimumCanaryRequests: 20 },
        },
      },
    },
  });
};

const release = async (service: string, version: string): Promise<ReleaseId> => {
  const { releaseId } = await operator.call(releaseRoutes.requestRelease, {
    body: { service, environment: 'production', version },
    idempotencyKey: randomUUID(),
  });
  return releaseId;
};

const typesOf = async (releaseId: ReleaseId) =>
  (await timelineOf(operator, releaseId)).map(({ event }) => event.type);

describe('a release of ECS services', () => {
  const shifter = ecsShifter(containers, balancers);
  const tasksOf = async (name: string) => {
    const { services } = await containers.send(
      new DescribeServicesCommand({
        cluster: ecs.cluster,
        services: [ecs.services[name]?.service ?? ''],
      }),
    );
    return services?.[0]?.desiredCount;
  };

  it('puts the image into the idle service, moves traffic there, and scales the other one back', async () => {
    await using _counts = counting({ [RUNNING_DIGEST]: 0, [NEXT_DIGEST]: 0 });
    await register('shop-tasks', ecs);
    const releaseId = await release('shop-tasks', NEXT_DIGEST);
    expect((await ended(releaseId)).event.type).toBe('release.promoted');
    expect(await shifter.readRouting(ecs)).toMatchObject({
      primary: NEXT_DIGEST,
      weights: {},
      testers: NEXT_DIGEST,
    });
    expect([await tasksOf('blue'), await tasksOf('green')]).toEqual([0, 2]);
    const types = await typesOf(releaseId);
    expect(types.indexOf('release.preparation.done')).toBeLessThan(types.indexOf('release.shift.intended'));
    expect(types).toContain('release.retirement.done');
  });

  it('brings traffic back from a failing image, which is scaled back then', async () => {
    const failing = `sha256:${'f'.repeat(64)}`;
    await using _counts = counting({ [NEXT_DIGEST]: 0, [failing]: 60 });
    const releaseId = await release('shop-tasks', failing);
    await recorded(releaseId, 'release.shift.done');
    expect((await ended(releaseId)).event.type).toBe('release.rolled-back');
    expect(await shifter.readRouting(ecs)).toMatchObject({ primary: NEXT_DIGEST, weights: {} });
    expect([await tasksOf('blue'), await tasksOf('green')]).toEqual([0, 2]);
  });

  it('is refused for a tag, before anything is touched', async () => {
    const releaseId = await release('shop-tasks', '1.4');
    const { data } = await ended(releaseId);
    expect(data.reasons).toMatchObject([
      { code: 'refused', text: expect.stringContaining('1.4 is not the digest') },
    ]);
    expect(await typesOf(releaseId)).not.toContain('release.preparation.intended');
  });
});

describe('a release of a feature flag', () => {
  const shifter = appConfigShifter(new AppConfigClient(awsSettings));

  it('gives a growing share of callers another variant, and in the end all of them', async () => {
    await using _counts = counting({ old: 0, new: 0 });
    await register('shop-flag', flag);
    const releaseId = await release('shop-flag', 'new');
    expect((await ended(releaseId)).event.type).toBe('release.promoted');
    expect(await shifter.readRouting(flag)).toMatchObject({ primary: 'new', weights: {} });
    const types = await typesOf(releaseId);
    expect(types.filter((type) => type === 'release.shift.done')).toHaveLength(2);
    expect(types).not.toContain('release.preparation.intended');
  });

  it('takes a failing variant back from everyone', async () => {
    await using _counts = counting({ new: 0, next: 60 });
    const releaseId = await release('shop-flag', 'next');
    expect((await ended(releaseId)).event.type).toBe('release.rolled-back');
    expect(await shifter.readRouting(flag)).toMatchObject({ primary: 'new', weights: {} });
  });
});

describe('a release behind a load balancer', () => {
  it('takes testers along, and brings them back with everyone else', async () => {
    await using _counts = counting({ blue: 0, green: 60 });
    await register('shop-groups', alb);
    const shifter = albShifter(balancers);
    const releaseId = await release('shop-groups', 'green');
    await recorded(releaseId, 'release.shift.done');
    expect((await ended(releaseId)).event.type).toBe('release.rolled-back');
    expect(await shifter.readRouting(alb)).toMatchObject({ primary: 'blue', weights: {}, testers: 'blue' });
  });
});

describe('an experiment behind a load balancer', () => {
  const shifter = albShifter(balancers);
  const green = { service: 'shop-experiment', environment: 'staging', version: 'green' };
  const orders = {
    goal: 'orders',
    horizon: { seconds: 3_600, samplePerArm: 500 },
    minimumSample: 500,
    split: { by: 'cookie', weightPercent: 50 },
  } satisfies ExperimentInput;

  it('keeps callers where they came first, tells who won, and gives all of them back', async () => {
    await using _counts = counting({ blue: 0, green: 0 }, LOCAL_REGION, { blue: 10, green: 30 });
    await register('shop-experiment', alb, 'staging', orders);
    const { releaseId } = await operator.call(releaseRoutes.requestRelease, {
      body: { ...green, strategy: 'experiment' },
      idempotencyKey: randomUUID(),
    });
    await recorded(releaseId, 'release.shift.done');
    expect(await shifter.readRouting(alb)).toMatchObject({
      primary: 'blue',
      weights: { green: 50 },
      sticky: true,
    });
    const { event, data } = await ended(releaseId);
    expect(event.type).toBe('release.completed');
    expect(data).toMatchObject({
      reasons: [{ code: 'experiment-over' }, { code: 'experiment-won' }, { code: 'horizon-partial-week' }],
      experiment: { decision: 'canary', enough: true, difference: expect.closeTo(0.2, 5) },
    });
    const concluded = await recorded(releaseId, 'release.experiment.concluded');
    const { settings, facts, result } = concluded.data.experiment as {
      settings: ExperimentSettings;
      facts: ExperimentFacts;
      result: Omit<ExperimentResult, 'reasons'>;
    };
    expect(judgeExperiment(settings, facts)).toMatchObject(result);
    const routing = await shifter.readRouting(alb);
    expect(routing).toMatchObject({ primary: 'blue', weights: {}, testers: 'blue' });
    expect(routing.sticky).toBeUndefined();
  });

  it('promotes a winner where the event that asks for it says so, whose callers a header told apart', async () => {
    await using _counts = counting({ blue: 0, green: 0 }, LOCAL_REGION, { blue: 10, green: 30 });
    const experiment = {
      ...{ goal: 'orders', mode: 'sequential', horizon: { seconds: 3_600 }, minimumSample: 100 },
      split: { by: 'header', weightPercent: 50 },
      onSuccess: 'promote',
    } satisfies ExperimentInput;
    const idempotencyKey = randomUUID();
    const detail = { ...green, strategy: 'experiment', experiment, idempotencyKey, notes: idempotencyKey };
    await putEvent({ detailType: REQUESTED_EVENT, detail });
    const releaseId = await eventually('the event becomes a release', async () => {
      const query = { service: green.service, limit: 10 };
      const { releases } = await operator.call(releaseRoutes.listReleases, { query });
      return releases.find(({ notes }) => notes === idempotencyKey)?.releaseId;
    });
    await recorded(releaseId, 'release.shift.done');
    expect(await shifter.readRouting(alb)).toMatchObject({ primary: 'blue', weights: {}, testers: 'green' });
    expect((await ended(releaseId)).event.type).toBe('release.promoted');
    expect(await shifter.readRouting(alb)).toMatchObject({ primary: 'green', weights: {}, testers: 'green' });
    expect((await getRelease(releaseId)).progress?.experiment).toMatchObject({ decision: 'canary' });
  });

  it('is refused where nothing keeps a caller with one version', async () => {
    await expect(register('shop-flag', flag, 'staging', orders)).rejects.toThrow(/behind a load balancer/);
  });
});

describe('a release in another region than the stack', () => {
  it('moves the alias there, by metrics from there', async () => {
    const functionName = `checkout-${randomUUID().slice(0, 8)}`;
    await createCheckout(world.endpoint, functionName, OTHER_REGION);
    const lambda = new LambdaClient({ ...awsSettings, region: OTHER_REGION });
    await using _counts = counting({ '1': 0, '2': 0 }, OTHER_REGION);
    await register('shop-ireland', {
      kind: 'lambda-alias',
      functionName,
      alias: ALIAS,
      region: OTHER_REGION,
    });
    const releaseId = await release('shop-ireland', '2');
    expect((await ended(releaseId)).event.type).toBe('release.promoted');
    const alias = await lambda.send(new GetAliasCommand({ FunctionName: functionName, Name: ALIAS }));
    expect(alias.FunctionVersion).toBe('2');
  });

  it('can not be declared where the stage may move nothing', async () => {
    const target: Target = {
      kind: 'lambda-alias',
      functionName: 'checkout',
      alias: ALIAS,
      region: 'eu-north-1',
    };
    await expect(register('shop-stockholm', target)).rejects.toThrow(/targetRegions/);
  });
});
