import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import { orTransient } from '#platform/aws-errors.ts';
import type { CloudWatchCustom } from '#policy/cloudwatch-custom-schema.ts';
import type { CloudWatchMetrics } from '#policy/metric-definition.ts';
import { regionOf } from '#policy/target.ts';
import { albPreset } from '#rollout/adapters/cloudwatch-alb-preset.ts';
import { customPreset } from '#rollout/adapters/cloudwatch-custom-preset.ts';
import { lambdaPreset } from '#rollout/adapters/cloudwatch-lambda-preset.ts';
import { goalSeries, type Preset, type Wanted } from '#rollout/adapters/cloudwatch-preset.ts';
import { type ArmCounts, LATENCY_GRID_MS } from '#rollout/judge/facts.ts';
import type { Arms, MetricSource, PeriodFacts } from '#rollout/metric-source.ts';

/** Nothing of AWS's own is counted by version; registration refuses such a definition (metric-fit.ts). */
const NO_SERIES: Preset = { seriesOf: () => [], errorsOf: () => undefined, latencyUnitMs: 1 };

type Definition = CloudWatchMetrics | CloudWatchCustom;

/** What is read of a target of this kind, as the definition wants it. */
const presetOf = (definition: Definition, { target, places }: Arms): Preset => {
  if (definition.source === 'cloudwatch-custom') return customPreset(definition, places);
  switch (target.kind) {
    case 'lambda-alias':
      return lambdaPreset(definition, target);
    case 'alb':
      return albPreset(target.ruleArn, (version) => target.targetGroups[version]);
    case 'ecs':
      return albPreset(target.ruleArn, (version) => target.services[places?.[version] ?? '']?.targetGroupArn);
    case 'appconfig-flag':
    case 'custom':
      return NO_SERIES;
    default:
      return target satisfies never;
  }
};

/** One version's values of one period as counts. What has no value is missing, never zero. */
const countsOf = (values: ReadonlyMap<string, number>, preset: Preset): ArmCounts => {
  const get = (what: string) => values.get(what);
  const [requests, errors] = [get('requests'), preset.errorsOf(get)];
  const percentiles = (['p50', 'p95', 'p99'] as const).flatMap((name) => {
    const value = get(name);
    return value === undefined ? [] : [[name, value * preset.latencyUnitMs] as const];
  });
  const slow = LATENCY_GRID_MS.flatMap((bound) => {
    const value = get(`slower:${bound}`);
    return value === undefined ? [] : [[String(bound), value] as const];
  });
  // A goal of which either count is missing is missing: half of it would move its share.
  const goals = (preset.goals ?? []).flatMap((name) => {
    const [good, total] = [get(goalSeries(name, 'good')), get(goalSeries(name, 'total'))];
    return good === undefined || total === undefined ? [] : [[name, { good, total }] as const];
  });
  return {
    ...(requests !== undefined && { requests }),
    ...(errors !== undefined && { errors }),
    ...(percentiles.length > 0 && { latencyMs: Object.fromEntries(percentiles) }),
    ...(slow.length > 0 && { slowerThan: Object.fromEntries(slow) }),
    ...(goals.length > 0 && { goals: Object.fromEntries(goals) }),
  };
};

const query = (id: string, wanted: Wanted, period: number): MetricDataQuery => ({
  Id: id,
  MetricStat: {
    Metric: {
      Namespace: wanted.namespace,
      MetricName: wanted.metricName,
      Dimensions: Object.entries(wanted.dimensions).map(([Name, Value]) => ({ Name, Value })),
    },
    Period: period,
    Stat: wanted.stat,
  },
});

/** All pages: a result that stopped half way would read as missing data. */
const fetchAll = async (
  client: CloudWatchClient,
  queries: MetricDataQuery[],
  from: number,
  to: number,
): Promise<readonly MetricDataResult[]> => {
  const results: MetricDataResult[] = [];
  let token: string | undefined;
  do {
    const page = await orTransient(
      'CloudWatch',
      client.send(
        new GetMetricDataCommand({
          MetricDataQueries: queries,
          StartTime: new Date(from),
          EndTime: new Date(to),
          ScanBy: 'TimestampAscending',
          ...(token !== undefined && { NextToken: token }),
        }),
      ),
    );
    results.push(...(page.MetricDataResults ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return results;
};

/**
 * Facts of a target's versions from CloudWatch of the region that they are counted in, every series of both arms in one
 * request.
 */
export const cloudWatchSource = (
  clientIn: (region: string | undefined) => CloudWatchClient,
): MetricSource<Definition> => ({
  read: async (definition, arms, from, to) => {
    if (to <= from) return [];
    const preset = presetOf(definition, arms);
    const named = definition.source === 'cloudwatch-custom' ? definition.region : undefined;
    const client = clientIn(named ?? regionOf(arms.target));
    const series = (['canary', 'baseline'] as const).flatMap((arm) =>
      preset.seriesOf(arms[arm]).map((wanted, index) => ({ arm, wanted, id: `${arm}${index}` })),
    );
    if (series.length === 0) return [];
    const results = await fetchAll(
      client,
      series.map(({ id, wanted }) => query(id, wanted, definition.periodSeconds)),
      from,
      to,
    );
    const periods = new Map<number, { canary: Map<string, number>; baseline: Map<string, number> }>();
    for (const result of results) {
      const known = series.find(({ id }) => id === result.Id);
      if (known === undefined) continue;
      (result.Timestamps ?? []).forEach((timestamp, index) => {
        const start = timestamp.getTime();
        const value = result.Values?.[index];
        if (value === undefined || start < from || start >= to) return;
        const period = periods.get(start) ?? { canary: new Map(), baseline: new Map() };
        period[known.arm].set(known.wanted.what, value);
        periods.set(start, period);
      });
    }
    return [...periods]
      .sort(([a], [b]) => a - b)
      .map(([start, values]): PeriodFacts => {
        const facts = (arm: 'canary' | 'baseline') => countsOf(values[arm], preset);
        return {
          start,
          facts: {
            ...(values.canary.size > 0 && { canary: facts('canary') }),
            ...(values.baseline.size > 0 && { baseline: facts('baseline') }),
          },
        };
      });
  },
});
