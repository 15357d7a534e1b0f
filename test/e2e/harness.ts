import { randomBytes, randomUUID } from 'node:crypto';
import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { inject, test } from 'vitest';
import type * as z from 'zod';
import { type ApiClient, apiClient } from '../../cli/api-client.ts';
import { timelineOf } from '../../cli/timeline.ts';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import type { serviceDefinitionSchema } from '../../functions/policy/service-definition.ts';
import type { releaseRequestSchema } from '../../functions/releases/release-request.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/credentials.ts';
import { ALIAS, createCheckout, demoMetrics, VARIANTS } from '../../local/demo/checkout.ts';
import { type Served, startTraffic, type Traffic } from '../../local/demo/traffic.ts';
import { signIn } from '../../local/people.ts';
import { watchRelease } from '../../local/watch-release.ts';
import type { Fault } from './fault-proxy.ts';

export const world = inject('world');
export const awsSettings = { endpoint: world.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
const lambda = new LambdaClient(awsSettings);

const tokens = new Map<string, Promise<string>>();

/** A person's access token, asked for once a run. */
export const tokenOf = (username: string): Promise<string> => {
  const known = tokens.get(username) ?? signIn(world.pool, username, world.password);
  tokens.set(username, known);
  return known;
};

export const apiOf = (username: string): ApiClient => apiClient(world.apiUrl, () => tokenOf(username));
export const operator = apiOf('olive');

/**
 * Asks until `ask` gives something.
 * @throws when it has not within the time, with what was waited for.
 */
export const eventually = async <T>(
  what: string,
  ask: () => Promise<T | undefined>,
  withinSeconds = 60,
): Promise<T> => {
  const deadline = Date.now() + withinSeconds * 1_000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinSeconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
};

type Settings = z.input<typeof serviceDefinitionSchema>['environments'][string];

/** Seconds where a team has minutes, and enough simulated requests for the judge to be sure. */
const PLAN = {
  stages: [
    { weightPercent: 25, rounds: 2, roundSeconds: 2 },
    { weightPercent: 100, rounds: 1, roundSeconds: 2 },
  ],
  stageDeadlineSeconds: 15,
  holdSeconds: 3,
  watchSeconds: 0,
} satisfies Settings['plan'];

/** Serves as the variant of this version does, unless it has gone bad since. */
const serveVariant = async (version: string, degraded: ReadonlyMap<string, number>): Promise<Served> => {
  const { workMs, failPercent } =
    Object.values(VARIANTS).find((variant) => variant.version === version) ?? VARIANTS.stable;
  const failed = Math.random() * 100 < (degraded.get(version) ?? failPercent);
  return { statusCode: failed ? 500 : 200, durationMs: workMs * (0.8 + 0.4 * Math.random()) };
};

/** A registered service of a test's own, with a function of its own behind it and simulated traffic on that. */
export interface TestService {
  readonly service: string;
  readonly functionName: string;
  request(
    version: string,
    options?: {
      readonly key?: string;
      readonly as?: ApiClient;
      /** What the request says besides. */
      readonly more?: Partial<z.input<typeof releaseRequestSchema>>;
    },
  ): Promise<ReleaseId>;
  /** The alias as it is: primary version and percent by other versions. */
  routing(): Promise<{ readonly primary: string; readonly weights: Readonly<Record<string, number>> }>;
  /** From now on this version fails so many of its requests. */
  degrade(version: string, failPercent: number): void;
  /** Metrics stop or go on, while requests are served all the same. */
  report(on: boolean): void;
  stop(): Promise<void>;
}

/** @param environment one of its own for tests that do something to all of an environment */
/** How a function's alias is released in these tests. */
export const settingsOf = (functionName: string): Settings => ({
  target: { kind: 'lambda-alias', functionName, alias: ALIAS },
  plan: PLAN,
  metrics: { ...demoMetrics, settleSeconds: 1 },
  judge: { minimumCanaryRequests: 20 },
});

/** @param create makes the function, its first version and its alias; left out, those of the demo */
export const createService = async (
  settings: Partial<Settings> = {},
  environment = 'production',
  create: (functionName: string) => Promise<void> = (name) => createCheckout(world.endpoint, name),
): Promise<TestService> => {
  const name = `checkout-${randomBytes(4).toString('hex')}`;
  await create(name);
  await operator.call(serviceRoutes.putService, {
    params: { service: name },
    body: {
      environments: {
        [environment]: { ...settingsOf(name), ...settings },
      },
    },
  });
  let reporting = true;
  const degraded = new Map<string, number>();
  const traffic: Traffic = startTraffic({
    endpoint: world.endpoint,
    functionName: name,
    alias: ALIAS,
    requestsPerSecond: 60,
    serve: (version) => serveVariant(version, degraded),
    reporting: () => reporting,
  });
  return {
    service: name,
    functionName: name,
    request: async (version, { key, as = operator, more = {} } = {}) => {
      const release = await as.call(releaseRoutes.requestRelease, {
        body: { service: name, environment, version, ...more },
        idempotencyKey: key ?? randomUUID(),
      });
      return release.releaseId;
    },
    routing: async () => {
      const alias = await lambda.send(new GetAliasCommand({ FunctionName: name, Name: ALIAS }));
      const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
      return {
        primary: alias.FunctionVersion ?? '',
        weights: Object.fromEntries(weights.map(([version, weight]) => [version, Math.round(weight * 100)])),
      };
    },
    degrade: (version, failPercent) => {
      degraded.set(version, failPercent);
    },
    report: (on) => {
      reporting = on;
    },
    stop: async () => {
      await traffic.stop();
      const failure = traffic.failure();
      if (failure !== undefined) throw failure;
    },
  };
};

/** A test with a service of its own, so that tests can run side by side. */
export const withService = test.extend<{ service: TestService }>({
  service: async ({ task: _ }, use) => {
    const service = await createService();
    await use(service);
    await service.stop();
  },
});

/** Waits for the release's terminal record, and for its lock to be free. */
export const ended = async (releaseId: ReleaseId, withinSeconds = 120): Promise<LedgerRecord> => {
  const record = await watchRelease(operator, releaseId, { onRecord: () => undefined, withinSeconds });
  await eventually('the release is concluded', async () => {
    const release = await getRelease(releaseId);
    return release.concludedAt;
  });
  return record;
};

export const getRelease = (releaseId: ReleaseId) =>
  operator.call(releaseRoutes.getRelease, { params: { releaseId } });

export const abort = (releaseId: ReleaseId, reason = 'a test said so') =>
  operator.call(commandRoutes.commandRelease, { params: { releaseId }, body: { command: 'abort', reason } });

/** Waits until a record of this type is on the release's timeline. */
export const recorded = (releaseId: ReleaseId, type: LedgerRecord['event']['type']): Promise<LedgerRecord> =>
  eventually(`a record ${type} of ${releaseId}`, async () =>
    (await timelineOf(operator, releaseId)).find((record) => record.event.type === type),
  );

/** A fault in force until the test disposes of it; `hits` says how often it struck. */
export const fault = async (
  wanted: Omit<Fault, 'id' | 'skip'> & { readonly skip?: number },
): Promise<{ hits(): Promise<number>; release(): Promise<void> }> => {
  const id = randomUUID();
  const url = `${world.faultsUrl}/__faults?id=${id}`;
  const ask = async (method: string, body?: string): Promise<number> => {
    const response = await fetch(url, { method, ...(body !== undefined && { body }) });
    if (!response.ok) throw new Error(`the fault proxy answered ${response.status}`);
    return ((await response.json()) as { hits: number }).hits;
  };
  await ask('PUT', JSON.stringify({ ...wanted, id }));
  return { hits: () => ask('GET'), release: async () => void (await ask('DELETE')) };
};
