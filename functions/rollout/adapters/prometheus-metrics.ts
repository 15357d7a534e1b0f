import * as z from 'zod';
import { InvalidRequestError, TransientError } from '#platform/errors.ts';
import type { OutboundRules } from '#policy/outbound-rules.ts';
import type { PrometheusMetrics } from '#policy/prometheus-definition.ts';
import { outboundRequest, type Resolve } from '#rollout/adapters/outbound-request.ts';
import { latencyOf } from '#rollout/histogram.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';
import type { MetricSource, PeriodFacts } from '#rollout/metric-source.ts';

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 8_000_000;
/** Prometheus gives no more than 11,000 points a series; with thirty buckets this stays below the bytes too. */
const PERIODS_PER_QUERY = 2_000;

/** Warnings mean that a part of the data was left out (Thanos, Mimir): what is left is not the count. */
const answerSchema = z.object({
  status: z.literal('success'),
  warnings: z.array(z.string()).max(0).optional(),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

/** Names that need no quoting in PromQL, neither in a string nor in a pattern's brackets. */
const VERSION = /^[A-Za-z0-9._:@/+-]{1,200}$/;

/** A series' values by the start of the period they count. */
interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: ReadonlyMap<number, number>;
}

interface Window {
  readonly from: number;
  readonly to: number;
  readonly periodMs: number;
}

export interface PrometheusPorts {
  readonly rules: OutboundRules;
  /** The bearer token that the stage keeps for a URL's host; undefined where it needs none. */
  readonly tokenFor: (url: string) => Promise<string | undefined>;
  readonly resolve?: Resolve;
}

const unreadable = (what: string): TransientError => new TransientError(`Prometheus ${what}`);

/** NaN is what a division by nothing gives: not known. A count is finite and not negative, or the answer is none. */
const countOf = (text: string): number | undefined => {
  if (text === 'NaN') return undefined;
  if (!/^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) throw unreadable('gave a value that is no count');
  return Number(text);
};

/** The value at a time counts the range that ends there, so it belongs to the period that began one earlier. */
const valuesOf = (values: readonly (readonly [number, string])[], { from, to, periodMs }: Window) => {
  const counts = new Map<number, number>();
  for (const [seconds, text] of values) {
    const start = Math.round(seconds * 1_000) - periodMs;
    if (start < from || start >= to || (start - from) % periodMs !== 0)
      throw unreadable('gave a time that it was not asked for');
    const count = countOf(text);
    if (count !== undefined) counts.set(start, count);
  }
  return counts;
};

/** `query` for one version over the window; a part at a time, because servers limit how many points they give. */
const seriesOf = async (
  { rules, tokenFor, resolve }: PrometheusPorts,
  { url, periodSeconds }: PrometheusMetrics,
  query: string,
  version: string,
  window: Window,
): Promise<readonly Series[]> => {
  const promql = query.replaceAll('$version', version).replaceAll('$range', `${periodSeconds}s`);
  const asked = new URL(`${url.replace(/\/+$/, '')}/api/v1/query_range`);
  asked.search = new URLSearchParams({
    query: promql,
    start: String((window.from + window.periodMs) / 1_000),
    end: String(window.to / 1_000),
    step: String(periodSeconds),
  }).toString();
  const token = await tokenFor(url);
  const outcome = await outboundRequest(
    {
      url: asked.href,
      timeoutMs: TIMEOUT_MS,
      body: { bytesMax: ANSWER_BYTES_MAX },
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    },
    rules,
    resolve,
  );
  if (outcome.kind !== 'answered') throw unreadable(`${outcome.kind}: ${outcome.text}`);
  if (outcome.status !== 200) throw unreadable(`answered ${outcome.status}`);
  const answer = answerSchema.safeParse(parseJson(outcome.body));
  if (!answer.success) throw unreadable('did not answer with the whole of a matrix');
  return answer.data.data.result.map(({ metric, values }) => ({
    labels: metric,
    values: valuesOf(values, window),
  }));
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Of a count there is one series, or none. Several would be counts of parts, and any one of them too small. */
const single = (what: string, series: readonly Series[]): ReadonlyMap<number, number> => {
  if (series.length > 1)
    throw unreadable(`gave ${series.length} series for ${what}; its query has to add them up`);
  return series[0]?.values ?? new Map();
};

const boundMs = (series: Series, unit: PrometheusMetrics['bucketUnit']): number => {
  const { le = '' } = series.labels;
  if (le === '+Inf') return Number.POSITIVE_INFINITY;
  if (Object.keys(series.labels).length !== 1 || !/^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(le))
    throw unreadable('gave buckets that are not told apart by le alone');
  // 0.07 s × 1000 is 70.00000000000001 ms: bounds have to come out the same for both arms and as people write them.
  return unit === 'milliseconds' ? Number(le) : Number((Number(le) * 1_000).toFixed(6));
};

/** What one version served, by the start of each period of the window. */
const armOf = async (
  ports: PrometheusPorts,
  definition: PrometheusMetrics,
  version: string,
  window: Window,
): Promise<ReadonlyMap<number, ArmCounts>> => {
  const { queries, bucketUnit } = definition;
  const ask = (query: string) => seriesOf(ports, definition, query, version, window);
  const [requestSeries, errorSeries, bucketSeries, goals] = await Promise.all([
    ask(queries.requests),
    ask(queries.errors),
    queries.bucket === undefined ? [] : ask(queries.bucket),
    Promise.all(Object.entries(queries.goals ?? {}).map(([name, goal]) => goalOf(name, goal, ask))),
  ]);
  const requests = single('requests', requestSeries);
  const errors = single('errors', errorSeries);
  const buckets = bucketSeries.map((series) => ({
    leMs: boundMs(series, bucketUnit),
    values: series.values,
  }));
  const starts = new Set(
    [
      requests,
      errors,
      ...buckets.map(({ values }) => values),
      ...goals.flatMap(({ good, total }) => [good, total]),
    ].flatMap((m) => [...m.keys()]),
  );
  return new Map(
    [...starts].map((start) => {
      const latency = latencyOf(
        buckets.flatMap(({ leMs, values }) => {
          const count = values.get(start);
          return count === undefined ? [] : [{ leMs, count }];
        }),
      );
      const counts = countsOf(requests.get(start), errors.get(start), latency);
      return [start, { ...counts, ...goalsAt(goals, start) }];
    }),
  );
};

interface GoalSeries {
  readonly name: string;
  readonly good: ReadonlyMap<number, number>;
  readonly total: ReadonlyMap<number, number>;
}

const goalOf = async (
  name: string,
  goal: { readonly good: string; readonly total: string },
  ask: (query: string) => Promise<readonly Series[]>,
): Promise<GoalSeries> => {
  const [good, total] = await Promise.all([ask(goal.good), ask(goal.total)]);
  return { name, good: single(`${name} good`, good), total: single(`${name} total`, total) };
};

/** A goal of which either count is missing is missing: half of it would move its share. */
const goalsAt = (goals: readonly GoalSeries[], start: number): Pick<ArmCounts, 'goals'> => {
  const known = goals.flatMap(({ name, good, total }) => {
    const [reached, of] = [good.get(start), total.get(start)];
    return reached === undefined || of === undefined ? [] : [[name, { good: reached, total: of }] as const];
  });
  return known.length === 0 ? {} : { goals: Object.fromEntries(known) };
};

const countsOf = (
  requests: number | undefined,
  errors: number | undefined,
  latency: ReturnType<typeof latencyOf>,
): ArmCounts => ({
  ...(requests !== undefined && { requests }),
  ...(errors !== undefined && { errors }),
  ...(latency?.latencyMs && { latencyMs: latency.latencyMs }),
  ...(latency?.slowerThan && { slowerThan: latency.slowerThan }),
  ...(latency?.slowerThan && latency.total !== requests && { slowOf: latency.total }),
});

const windows = function* (from: number, to: number, periodMs: number): Generator<Window> {
  const length = PERIODS_PER_QUERY * periodMs;
  for (let start = from; start < to; start += length)
    yield { from: start, to: Math.min(to, start + length), periodMs };
};

/** Facts of two versions from a Prometheus-compatible server. */
export const prometheusSource = (ports: PrometheusPorts): MetricSource<PrometheusMetrics> => ({
  read: async (definition, { canary, baseline }, from, to) => {
    for (const version of [canary, baseline])
      if (!VERSION.test(version))
        throw new InvalidRequestError(`version ${version} can't stand in a Prometheus query`);
    const facts: PeriodFacts[] = [];
    for (const window of windows(from, to, definition.periodSeconds * 1_000)) {
      const [canaries, baselines] = await Promise.all([
        armOf(ports, definition, canary, window),
        armOf(ports, definition, baseline, window),
      ]);
      const starts = [...new Set([...canaries.keys(), ...baselines.keys()])].sort((a, b) => a - b);
      for (const start of starts) {
        const [one, other] = [canaries.get(start), baselines.get(start)];
        facts.push({ start, facts: { ...(one && { canary: one }), ...(other && { baseline: other }) } });
      }
    }
    return facts;
  },
});
