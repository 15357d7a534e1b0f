import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import { orTransient } from '#platform/aws-errors.ts';
import type { CloudWatchMetrics } from '#policy/metric-definition.ts';
import type { LambdaAliasTarget } from '#policy/target.ts';
import { type ArmCounts, LATENCY_GRID_MS } from '#rollout/judge/facts.ts';
import type { MetricSource, PeriodFacts } from '#rollout/metric-source.ts';

interface Wanted {
  /** What the value is: a count by name, or a percentile. */
  readonly what: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly stat: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Every series that is read for one version behind the alias. */
const seriesOf = (definition: CloudWatchMetrics, target: LambdaAliasTarget, version: string): Wanted[] => {
  const FunctionName = target.functionName;
  const byVersion = { FunctionName, ExecutedVersion: version };
  const lambda = (what: string, metricName: string, stat: string): Wanted => ({
    what,
    namespace: 'AWS/Lambda',
    metricName,
    stat,
    dimensions: { ...byVersion, Resource: `${FunctionName}:${target.alias}` },
  });
  const slow = LATENCY_GRID_MS.map((bound): Wanted => {
    const { slowerThan } = definition;
    return slowerThan.from === 'trimmed-count'
      ? lambda(`slower:${bound}`, 'Duration', `TC(${bound}:)`)
      : {
          what: `slower:${bound}`,
          namespace: slowerThan.namespace,
          metricName: `${slowerThan.prefix}${bound}`,
          stat: 'Sum',
          dimensions: byVersion,
        };
  });
  return [
    lambda('requests', 'Invocations', 'Sum'),
    lambda('errors', 'Errors', 'Sum'),
    lambda('p50', 'Duration', 'p50'),
    lambda('p95', 'Duration', 'p95'),
    lambda('p99', 'Duration', 'p99'),
    ...(definition.serverErrors
      ? [{ what: 'serverErrors', ...definition.serverErrors, stat: 'Sum', dimensions: byVersion }]
      : []),
    ...slow,
  ];
};

/**
 * One version's values of one period as counts. What has no value is missing, never zero: with a 5xx count declared,
 * errors are known only when both kinds are.
 */
const countsOf = (values: ReadonlyMap<string, number>, definition: CloudWatchMetrics): ArmCounts => {
  const get = (what: string) => values.get(what);
  const [requests, ownErrors, server] = [get('requests'), get('errors'), get('serverErrors')];
  const errors =
    definition.serverErrors === undefined
      ? ownErrors
      : ownErrors !== undefined && server !== undefined
        ? ownErrors + server
        : undefined;
  const percentiles = (['p50', 'p95', 'p99'] as const).flatMap((name) => {
    const value = get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const slow = LATENCY_GRID_MS.flatMap((bound) => {
    const value = get(`slower:${bound}`);
    return value === undefined ? [] : [[String(bound), value] as const];
  });
  return {
    ...(requests !== undefined && { requests }),
    ...(errors !== undefined && { errors }),
    ...(percentiles.length > 0 && { latencyMs: Object.fromEntries(percentiles) }),
    ...(slow.length > 0 && { slowerThan: Object.fromEntries(slow) }),
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

/** Facts of a Lambda alias's versions from CloudWatch, every series of both arms in one request. */
export const cloudWatchSource = (client: CloudWatchClient): MetricSource<CloudWatchMetrics> => ({
  read: async (definition, { target, canary, baseline }, from, to) => {
    if (to <= from) return [];
    const arms = { canary, baseline } as const;
    const series = (['canary', 'baseline'] as const).flatMap((arm) =>
      seriesOf(definition, target, arms[arm]).map((wanted, index) => ({ arm, wanted, id: `${arm}${index}` })),
    );
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
        const facts = (arm: 'canary' | 'baseline') => countsOf(values[arm], definition);
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
