import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { type CloudWatchCustom, cloudWatchCustomSchema } from '#policy/cloudwatch-custom-schema.ts';
import { type CloudWatchMetrics, cloudWatchMetricsSchema } from '#policy/metric-definition.ts';
import type { Target } from '#policy/target.ts';
import { cloudWatchSource } from '#rollout/adapters/cloudwatch-metrics.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';
import { albTarget } from '../../builders/alb.ts';
import { digest, ecsTarget } from '../../builders/ecs.ts';
import { CANARY, checkoutTarget, NOW_MS, STABLE } from '../../builders/release.ts';
import { cloudWatch } from '../../fakes/cloudwatch.ts';
import { metricSourceContract } from '../metric-source-contract.ts';

const arms = { target: checkoutTarget, canary: CANARY, baseline: STABLE };
const FunctionName = checkoutTarget.functionName;

/** Puts counts where Lambda, and the service itself, would: see the metric names in the Lambda Developer Guide. */
const putter =
  ({ put }: ReturnType<typeof cloudWatch>, definition: CloudWatchMetrics) =>
  (version: string, start: number, counts: ArmCounts & { readonly serverErrors?: number }): void => {
    const own = { FunctionName, ExecutedVersion: version };
    const lambda = (metricName: string, stat: string, value: number | undefined) => {
      const dimensions = { ...own, Resource: `${FunctionName}:${checkoutTarget.alias}` };
      if (value !== undefined) put({ namespace: 'AWS/Lambda', metricName, stat, dimensions }, start, value);
    };
    lambda('Invocations', 'Sum', counts.requests);
    lambda('Errors', 'Sum', counts.errors);
    for (const name of ['p50', 'p95', 'p99'] as const) lambda('Duration', name, counts.latencyMs?.[name]);
    for (const [bound, value] of Object.entries(counts.slowerThan ?? {})) {
      const { slowerThan } = definition;
      if (slowerThan.from === 'trimmed-count') lambda('Duration', `TC(${bound}:)`, value);
      else
        put(
          {
            namespace: slowerThan.namespace,
            metricName: `${slowerThan.prefix}${bound}`,
            stat: 'Sum',
            dimensions: own,
          },
          start,
          value,
        );
    }
    if (definition.serverErrors !== undefined && counts.serverErrors !== undefined)
      put({ ...definition.serverErrors, stat: 'Sum', dimensions: own }, start, counts.serverErrors);
  };

const fixtureOf = (settings: Record<string, unknown>, pageValues?: number) => {
  const definition = cloudWatchMetricsSchema.parse({ source: 'cloudwatch', invokedBy: 'event', ...settings });
  const fake = cloudWatch(pageValues === undefined ? {} : { pageValues });
  return {
    fake,
    source: cloudWatchSource(() => fake.client),
    definition,
    arms,
    put: putter(fake, definition),
    breakDown: () => {
      fake.mock
        .on(GetMetricDataCommand)
        .rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    },
  };
};

const counted = { slowerThan: { from: 'count-metrics', namespace: 'Checkout', prefix: 'SlowerThanMs' } };
metricSourceContract('CloudWatch', () => fixtureOf({}));
metricSourceContract('CloudWatch, a page for every value', () => fixtureOf({}, 1));
metricSourceContract("CloudWatch, the service's own latency counts", () => fixtureOf(counted));

/** Puts counts where a load balancer would: only what is not zero, except where a test wants to tell a zero. */
const albFixture = () => {
  const fake = cloudWatch();
  const definition = cloudWatchMetricsSchema.parse({ source: 'cloudwatch', invokedBy: 'http' });
  const put = (version: string, start: number, metricName: string, value: number, stat = 'Sum'): void => {
    const dimensions = {
      TargetGroup: `targetgroup/shop-${version}/0123456789abcdef`,
      LoadBalancer: 'app/shop/50dc6c495c0c9188',
    };
    fake.put({ namespace: 'AWS/ApplicationELB', metricName, stat, dimensions }, start, value);
  };
  return {
    ...fixtureOf({}),
    source: cloudWatchSource(() => fake.client),
    definition,
    arms: { target: albTarget, canary: 'green', baseline: 'blue' },
    putMetric: put,
    put: (version: string, start: number, { requests, errors, latencyMs, slowerThan }: ArmCounts) => {
      if (requests !== undefined) put(version, start, 'RequestCount', requests);
      if (errors !== undefined) put(version, start, 'HTTPCode_Target_5XX_Count', errors);
      for (const [stat, value] of Object.entries(latencyMs ?? {}))
        put(version, start, 'TargetResponseTime', (value ?? 0) / 1_000, stat);
      for (const [bound, value] of Object.entries(slowerThan ?? {}))
        put(version, start, 'TargetResponseTime', value, `TC(${Number(bound) / 1_000}:)`);
    },
    breakDown: () => {
      fake.mock
        .on(GetMetricDataCommand)
        .rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    },
  };
};
metricSourceContract('CloudWatch, target groups of a load balancer', albFixture);

describe('CloudWatch facts of target groups', () => {
  const canaryWith = async (metrics: Readonly<Record<string, number>>) => {
    const { source, definition, arms, putMetric } = albFixture();
    for (const [name, value] of Object.entries(metrics)) putMetric('green', NOW_MS, name, value);
    return (await source.read(definition, arms, NOW_MS, NOW_MS + 60_000))[0]?.facts.canary;
  };

  it('have no errors when there are answers and none of them is a 5xx, which AWS then leaves out', async () => {
    expect(await canaryWith({ RequestCount: 100, HTTPCode_Target_2XX_Count: 100 })).toEqual({
      requests: 100,
      errors: 0,
    });
  });

  it('count connections that a target did not take as errors: a canary that is down answers nothing', async () => {
    const answers = { RequestCount: 100, HTTPCode_Target_2XX_Count: 60, HTTPCode_Target_5XX_Count: 3 };
    expect(await canaryWith({ ...answers, TargetConnectionErrorCount: 37 })).toMatchObject({ errors: 40 });
    expect(await canaryWith({ RequestCount: 10, TargetConnectionErrorCount: 30 })).toMatchObject({
      errors: 10,
    });
  });

  it('know no errors of requests of which nothing else is told: they are not healthy ones', async () => {
    expect(await canaryWith({ RequestCount: 100 })).toEqual({ requests: 100 });
  });
});

describe('CloudWatch facts', () => {
  const behindHttp = () =>
    fixtureOf({ invokedBy: 'http', serverErrors: { namespace: 'Checkout', metricName: 'ServerErrors' } });
  const canaryOf = async ({ source, definition }: ReturnType<typeof fixtureOf>) =>
    (await source.read(definition, arms, NOW_MS, NOW_MS + 60_000))[0]?.facts.canary;

  it('count answers of 500 and above as errors, which Lambda itself does not', async () => {
    const fixture = behindHttp();
    fixture.put(CANARY, NOW_MS, { requests: 100, errors: 1, serverErrors: 7 });
    expect(await canaryOf(fixture)).toEqual({ requests: 100, errors: 8 });
  });

  it.each([
    ['5xx answers', { requests: 100, errors: 0 }],
    ["Lambda's errors", { requests: 100, serverErrors: 0 }],
  ])('know no error count while %s are missing: half of a sum would look healthy', async (_what, counts) => {
    const fixture = behindHttp();
    fixture.put(CANARY, NOW_MS, counts);
    expect(await canaryOf(fixture)).toEqual({ requests: 100 });
  });

  it('of both arms come in one request, at the period and in the window that were asked for', async () => {
    const { source, definition, fake } = fixtureOf({ periodSeconds: 300 });
    await source.read(definition, arms, NOW_MS, NOW_MS + 600_000);
    const calls = fake.mock.commandCalls(GetMetricDataCommand);
    expect(calls).toHaveLength(1);
    const input = calls[0]?.args[0].input;
    expect(input?.StartTime).toEqual(new Date(NOW_MS));
    expect(input?.EndTime).toEqual(new Date(NOW_MS + 600_000));
    const queries = input?.MetricDataQueries ?? [];
    expect(new Set(queries.map(({ MetricStat }) => MetricStat?.Period))).toEqual(new Set([300]));
    expect(new Set(queries.map(({ Id }) => Id)).size).toBe(queries.length);
    expect(queries.every(({ Id }) => /^[a-z][A-Za-z0-9_]*$/.test(Id ?? ''))).toBe(true);
  });

  it('ignore answers that were not asked for', async () => {
    const { source, definition, fake } = fixtureOf({});
    fake.mock.on(GetMetricDataCommand).resolves({
      MetricDataResults: [
        { Id: 'somethingElse', Timestamps: [new Date(NOW_MS)], Values: [1] },
        { Id: 'canary0', Timestamps: [new Date(NOW_MS)], Values: [] },
        { Id: 'canary1', Timestamps: [new Date(NOW_MS - 60_000)], Values: [3] },
      ],
    });
    expect(await source.read(definition, arms, NOW_MS, NOW_MS + 60_000)).toEqual([]);
  });

  it("leave other trouble as it is: a missing permission won't pass by itself", async () => {
    const { source, definition, fake } = fixtureOf({});
    fake.mock
      .on(GetMetricDataCommand)
      .rejects(Object.assign(new Error('not allowed'), { name: 'AccessDenied' }));
    await expect(source.read(definition, arms, NOW_MS, NOW_MS + 60_000)).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });
});

const CUSTOM = {
  source: 'cloudwatch-custom',
  namespace: 'Shop',
  dimensions: { Service: 'shop-{place}', Version: '{version}' },
  requests: 'Requests',
  errors: 'Failures',
  latency: { metricName: 'Latency', unit: 'seconds' },
} as const;

/** Puts counts where a service of its own would that publishes them by version. */
const customFixture = (settings: Partial<z.input<typeof cloudWatchCustomSchema>> = {}) => {
  const fake = cloudWatch();
  const definition = cloudWatchCustomSchema.parse({ ...CUSTOM, ...settings });
  const places = { [digest('a')]: 'blue', [digest('b')]: 'green' };
  const put = (version: string, start: number, metricName: string, value: number, stat = 'Sum'): void => {
    const dimensions = { Service: `shop-${version === digest('a') ? 'blue' : 'green'}`, Version: version };
    fake.put({ namespace: 'Shop', metricName, stat, dimensions }, start, value);
  };
  const { slowerThanPrefix } = definition;
  return {
    ...fixtureOf({}),
    fake,
    source: cloudWatchSource(() => fake.client),
    definition,
    arms: { target: ecsTarget, canary: digest('b'), baseline: digest('a'), places },
    put: (version: string, start: number, { requests, errors, latencyMs, slowerThan }: ArmCounts) => {
      if (requests !== undefined) put(version, start, 'Requests', requests);
      if (errors !== undefined) put(version, start, 'Failures', errors);
      for (const [stat, value] of Object.entries(latencyMs ?? {}))
        put(version, start, 'Latency', (value ?? 0) / 1_000, stat);
      for (const [bound, value] of Object.entries(slowerThan ?? {}))
        if (slowerThanPrefix === undefined)
          put(version, start, 'Latency', value, `TC(${Number(bound) / 1_000}:)`);
        else put(version, start, `${slowerThanPrefix}${bound}`, value);
    },
    breakDown: () => {
      fake.mock
        .on(GetMetricDataCommand)
        .rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    },
  };
};
metricSourceContract("CloudWatch, the service's own metrics", () => customFixture());
metricSourceContract("CloudWatch, the service's own metrics, slow requests counted", () =>
  customFixture({ slowerThanPrefix: 'SlowerThan' }),
);

describe('goals of experiments', () => {
  it('are counted by version; one of which a part is missing is missing', async () => {
    const { fake, source, definition, arms } = customFixture({
      goals: { orders: { good: 'Orders', total: 'Sessions' }, signups: { good: 'Signups', total: 'Visits' } },
    });
    const put = (version: string, place: string, metricName: string, value: number) =>
      fake.put(
        {
          namespace: 'Shop',
          metricName,
          stat: 'Sum',
          dimensions: { Service: `shop-${place}`, Version: version },
        },
        NOW_MS,
        value,
      );
    put(arms.canary, 'green', 'Orders', 7);
    put(arms.canary, 'green', 'Sessions', 100);
    put(arms.canary, 'green', 'Signups', 3);
    put(arms.baseline, 'blue', 'Sessions', 900);
    expect(await source.read(definition, arms, NOW_MS, NOW_MS + 60_000)).toEqual([
      { start: NOW_MS, facts: { canary: { goals: { orders: { good: 7, total: 100 } } }, baseline: {} } },
    ]);
  });
});

describe('services of an ECS target', () => {
  it('are told apart by the target groups that the snapshot found them behind', async () => {
    const fake = cloudWatch();
    const source = cloudWatchSource(() => fake.client);
    const { definition } = albFixture();
    const arms = { target: ecsTarget, canary: digest('b'), baseline: digest('a') };
    const places = { [digest('a')]: 'blue', [digest('b')]: 'green' };
    const at = (name: string) => ({
      namespace: 'AWS/ApplicationELB',
      metricName: 'RequestCount',
      stat: 'Sum',
      dimensions: {
        TargetGroup: `targetgroup/shop-${name}/0123456789abcdef`,
        LoadBalancer: 'app/shop/50dc6c495c0c9188',
      },
    });
    fake.put(at('blue'), NOW_MS, 90);
    fake.put(at('green'), NOW_MS, 10);
    expect(await source.read(definition, { ...arms, places }, NOW_MS, NOW_MS + 60_000)).toMatchObject([
      { facts: { canary: { requests: 10 }, baseline: { requests: 90 } } },
    ]);
    expect(await source.read(definition, arms, NOW_MS, NOW_MS + 60_000)).toEqual([]);
  });
});

describe('the region that metrics are read in', () => {
  it("is the target's own, or the one that the definition names", async () => {
    const regions: (string | undefined)[] = [];
    const source = cloudWatchSource((region) => {
      regions.push(region);
      return cloudWatch().client;
    });
    const read = (target: Target, definition: CloudWatchMetrics | CloudWatchCustom) =>
      source.read(definition, { target, canary: 'a', baseline: 'b' }, 0, 60_000);
    const own = cloudWatchMetricsSchema.parse({ source: 'cloudwatch', invokedBy: 'event' });
    const custom = { ...CUSTOM, dimensions: { Version: '{version}' } };
    await read(checkoutTarget, own);
    await read({ ...checkoutTarget, region: 'eu-west-1' }, own);
    await read(albTarget, own);
    await read({ ...checkoutTarget, region: 'eu-west-1' }, cloudWatchCustomSchema.parse(custom));
    await read(checkoutTarget, cloudWatchCustomSchema.parse({ ...custom, region: 'us-east-1' }));
    expect(regions).toEqual([undefined, 'eu-west-1', 'eu-central-1', 'eu-west-1', 'us-east-1']);
  });
});
