import { CloudWatchClient, type MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { GetAliasCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { LATENCY_GRID_MS } from '../../functions/rollout/judge/facts.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../credentials.ts';
import { DEMO_NAMESPACE } from './checkout.ts';

/** One request as its caller sees it. */
export interface Served {
  readonly statusCode: number;
  readonly durationMs: number;
}

export interface TrafficOptions {
  readonly endpoint: string;
  readonly functionName: string;
  readonly alias: string;
  readonly requestsPerSecond: number;
  /** Serves one request by a version; by default the version is invoked. */
  readonly serve?: (version: string) => Promise<Served>;
  /** Asked each second whether its metrics are sent: a source that stopped reporting. */
  readonly reporting?: () => boolean;
}

export interface Traffic {
  stop(): Promise<void>;
  /** The error that ended the traffic early, if one did. */
  readonly failure: () => unknown;
}

const TICK_MILLISECONDS = 100;
/** Requests are reported by the second in which they began, as Lambda does, once they can all have ended. */
const REPORT_AFTER_MILLISECONDS = 1_000;

type Second = Map<string, Served[]>;

/** `version` by the alias's weights: AWS draws for each request anew, and so does this. */
const draw = (primary: string, weights: Readonly<Record<string, number>>): string => {
  let left = Math.random();
  for (const [version, weight] of Object.entries(weights)) {
    left -= weight;
    if (left < 0) return version;
  }
  return primary;
};

const datum = (
  name: string,
  dimensions: Readonly<Record<string, string>>,
  second: number,
  value: Pick<MetricDatum, 'Value' | 'Values' | 'Counts'>,
): MetricDatum => ({
  MetricName: name,
  Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  Timestamp: new Date(second * 1_000),
  StorageResolution: 1,
  ...value,
});

/**
 * Plays callers, router and meter of a Lambda alias, because the local AWS does not split an alias's traffic: reads the
 * weights, draws a version for each request, and puts the metrics per version that AWS would.
 */
export const startTraffic = (options: TrafficOptions): Traffic => {
  const settings = { endpoint: options.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
  const lambda = new LambdaClient(settings);
  const cloudWatch = new CloudWatchClient(settings);
  const { functionName, alias } = options;
  const seconds = new Map<number, Second>();
  let routing: { primary: string; weights: Record<string, number> } | undefined;

  const invoke = async (version: string): Promise<Served> => {
    const { Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Qualifier: version, Payload: '{}' }),
    );
    return JSON.parse(Buffer.from(Payload ?? []).toString()) as Served;
  };
  const serve = options.serve ?? invoke;

  const request = async (second: number): Promise<void> => {
    if (routing === undefined) return;
    const version = draw(routing.primary, routing.weights);
    const served = await serve(version);
    const all = seconds.get(second) ?? new Map<string, Served[]>();
    all.set(version, [...(all.get(version) ?? []), served]);
    seconds.set(second, all);
  };

  const report = async (second: number, byVersion: Second): Promise<void> => {
    if (options.reporting?.() === false) return;
    const aws: MetricDatum[] = [];
    const own: MetricDatum[] = [];
    for (const [version, served] of byVersion) {
      const byExecuted = { FunctionName: functionName, ExecutedVersion: version };
      const byAlias = { ...byExecuted, Resource: `${functionName}:${alias}` };
      const durations = served.map(({ durationMs }) => durationMs);
      aws.push(
        datum('Invocations', byAlias, second, { Value: served.length }),
        datum('Errors', byAlias, second, { Value: 0 }),
        datum('Duration', byAlias, second, {
          Values: durations.slice(0, 150),
          Counts: durations.slice(0, 150).map(() => 1),
        }),
      );
      own.push(
        datum('ServerErrors', byExecuted, second, {
          Value: served.filter(({ statusCode }) => statusCode >= 500).length,
        }),
        ...LATENCY_GRID_MS.map((bound) =>
          datum(`SlowerThanMs${bound}`, byExecuted, second, {
            Value: durations.filter((duration) => duration > bound).length,
          }),
        ),
      );
    }
    await cloudWatch.send(new PutMetricDataCommand({ Namespace: 'AWS/Lambda', MetricData: aws }));
    await cloudWatch.send(new PutMetricDataCommand({ Namespace: DEMO_NAMESPACE, MetricData: own }));
  };

  const readRouting = async (): Promise<void> => {
    const found = await lambda.send(new GetAliasCommand({ FunctionName: functionName, Name: alias }));
    routing = {
      primary: found.FunctionVersion ?? '',
      weights: found.RoutingConfig?.AdditionalVersionWeights ?? {},
    };
  };

  const stopping = new AbortController();
  let failure: unknown;
  let owed = 0;
  const tick = async (): Promise<void> => {
    await readRouting();
    const now = Date.now();
    owed += (options.requestsPerSecond * TICK_MILLISECONDS) / 1_000;
    const second = Math.floor(now / 1_000);
    for (; owed >= 1; owed -= 1) void request(second).catch((error: unknown) => fail(error));
    for (const [past, byVersion] of seconds) {
      if ((past + 1) * 1_000 + REPORT_AFTER_MILLISECONDS > now) continue;
      seconds.delete(past);
      await report(past, byVersion);
    }
  };
  const fail = (error: unknown): void => {
    if (stopping.signal.aborted) return;
    failure = error;
    stopping.abort();
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const began = Date.now();
      try {
        await tick();
      } catch (error) {
        fail(error);
      }
      const rest = Math.max(0, TICK_MILLISECONDS - (Date.now() - began));
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
  })();

  return {
    failure: () => failure,
    stop: async () => {
      stopping.abort();
      await running;
      lambda.destroy();
      cloudWatch.destroy();
    },
  };
};
