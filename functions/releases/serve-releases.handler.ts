import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { ledgerArchive, ledgerEnvironment } from '#ledger/adapters/ledger-archive.ts';
import type { Caller } from '#platform/actor.ts';
import { dynamoDb, objectStore } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { InvalidRequestError, NotFoundError, PolicyDeniedError } from '#platform/errors.ts';
import { type ReleaseId, releaseIdSchema } from '#platform/ids.ts';
import { METRIC } from '#platform/metric-names.ts';
import { newReleaseId } from '#platform/new-id.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { metrics } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { killSwitches } from '#policy/adapters/policy-ports.ts';
import { executionPorts, releasePorts } from '#releases/adapters/release-ports.ts';
import { drillRollback } from '#releases/drill-rollback.ts';
import { executionEnvironment, releaseEnvironment, requestEnvironment } from '#releases/environment.ts';
import { environmentView, knownEnvironment } from '#releases/environment-view.ts';
import { untilFault } from '#releases/freeze.ts';
import { changeFreeze, type FreezeChange } from '#releases/freeze-environment.ts';
import { idempotencyScope } from '#releases/keys.ts';
import { latestReleases } from '#releases/latest-releases.ts';
import { phaseOf, type Release } from '#releases/release.ts';
import type { ReleaseRequest } from '#releases/release-request.ts';
import { requestRelease } from '#releases/request-release.ts';
import { rollBack } from '#releases/roll-back.ts';
import { rollbackReport } from '#releases/rollback-report.ts';
import { releaseRoutes } from '#releases/routes.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...executionEnvironment,
  ...requestEnvironment,
  ...ledgerEnvironment,
});

const ports = {
  ...releasePorts(environment),
  ...executionPorts(environment),
  services: dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE),
  productionStrategies: environment.PRODUCTION_STRATEGIES,
  switches: killSwitches(environment),
};
const records = dynamoDbLedgerReader(
  dynamoDb(),
  { ledger: environment.LEDGER_TABLE, heads: environment.LEDGER_HEADS_TABLE },
  ledgerArchive(dynamoDb(), objectStore(), environment),
  dynamoDbPersonal(dynamoDb(), environment.LEDGER_PERSONAL_TABLE),
);

const freezing = { ...ports, environments: ports.releases };

type Asking = {
  readonly caller: Caller;
  readonly idempotencyKey?: string | undefined;
  readonly requestId: string;
};

const view = (release: Release) => ({ ...release, phase: phaseOf(release) });

const mustGet = async (releaseId: ReleaseId): Promise<Release> => {
  const release = await ports.releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  return release;
};

/** As stored: in UTC with milliseconds, as every time of ours that it is compared with. */
const endOf = (until: string, at: string): string => {
  const fault = untilFault(until, at);
  if (fault !== undefined) throw new InvalidRequestError('the body is not valid', { faults: [fault] });
  return new Date(until).toISOString();
};

const change = async (wanted: Omit<FreezeChange, 'at'>, at: string) => {
  await knownEnvironment(freezing, wanted.environment);
  const changed = await changeFreeze(freezing, { ...wanted, at });
  return { status: 200, body: environmentView(changed, at) } as const;
};

/** What a request about a running service is taken in with. */
const asked = (route: string, body: object, { caller, idempotencyKey, requestId }: Asking) => {
  const now = new Date();
  return {
    requestedBy: caller.actor,
    key: idempotencyScope(route, caller.actor.login, idempotencyKey ?? requestId),
    requestDigest: digestOf(body),
    releaseId: newReleaseId(now),
    at: now.toISOString(),
  };
};

/** Taking on what nobody released is an operator's to do, whoever may ask for releases. */
const refuseAcceptance = ({ acceptRunningVersions }: ReleaseRequest, { roles }: Caller): void => {
  if (acceptRunningVersions === undefined || roles.includes('operator') || roles.includes('admin')) return;
  throw new PolicyDeniedError('your roles do not allow this', {
    faults: [{ path: 'acceptRunningVersions', message: 'needs one of: operator, admin' }],
  });
};

/** The latest ones: what a report is about. */
const LATEST_RELEASES = 100;

export const handler = serveRoutes(releaseRoutes)({
  rollBackService: async ({ params, body, ...asking }) => {
    const release = await rollBack(ports, {
      ...params,
      ...body,
      ...asked('rollback', { ...params, ...body }, asking),
    });
    return { status: 202, body: view(release) };
  },
  drillRollback: async ({ params, body: { version, ...body }, ...asking }) => {
    const wanted = { ...params, ...body, ...(version !== undefined && { version }) };
    const release = await drillRollback(ports, { ...wanted, ...asked('drill', wanted, asking) });
    return { status: 202, body: view(release) };
  },
  getRollbacks: async ({ params: { service }, query: { environment } }) => {
    if ((await ports.services.get(service)) === undefined)
      throw new NotFoundError(`service ${service} is not registered`);
    const latest = latestReleases(ports.releases, { service, environment }, LATEST_RELEASES);
    return { status: 200, body: rollbackReport(await Array.fromAsync(latest)) };
  },
  requestRelease: async ({ body, caller, idempotencyKey, requestId }) => {
    refuseAcceptance(body, caller);
    const now = new Date();
    const release = await requestRelease(ports, {
      request: body,
      requestedBy: caller.actor,
      key: idempotencyScope('api', caller.actor.login, idempotencyKey ?? requestId),
      requestDigest: digestOf(body),
      releaseId: newReleaseId(now),
      at: now.toISOString(),
    });
    metrics.addMetric(METRIC.releaseRequested, 'Count', 1);
    return { status: 202, body: view(release) };
  },
  listReleases: async ({ query: { service, cursor, limit } }) => {
    const isReleaseId = (position: string) => releaseIdSchema.safeParse(position).success;
    const { releases, next } = await ports.releases.list({
      limit,
      ...(service !== undefined && { service }),
      ...(cursor !== undefined && { after: fromCursor(cursor, isReleaseId) }),
    });
    return {
      status: 200,
      body: { releases: releases.map(view), ...(next !== undefined && { next: toCursor(next) }) },
    };
  },
  getRelease: async ({ params }) => ({ status: 200, body: view(await mustGet(params.releaseId)) }),
  getTimeline: async ({ params, query: { cursor, limit } }) => {
    const isSequence = (position: string) => /^\d{1,15}$/.test(position);
    const from = cursor === undefined ? 0 : Number(fromCursor(cursor, isSequence));
    await mustGet(params.releaseId);
    const page = await records.byRelease(params.releaseId, { limit, from });
    return {
      status: 200,
      body: {
        records: [...page.records],
        ...(page.next !== undefined && { next: toCursor(String(page.next)) }),
      },
    };
  },
  getFreeze: async ({ params }) => ({
    status: 200,
    body: environmentView(await knownEnvironment(freezing, params.environment), ports.now()),
  }),
  freezeEnvironment: async ({ params, body, caller, idempotencyKey, requestId }) => {
    const at = ports.now();
    const by = caller.actor;
    const key = digestOf(['freeze', by.login, idempotencyKey ?? requestId]);
    return change({ ...params, until: endOf(body.until, at), reason: body.reason, by, key }, at);
  },
  thawEnvironment: async ({ params, body, caller, idempotencyKey, requestId }) => {
    const by = caller.actor;
    const key = digestOf(['thaw', by.login, idempotencyKey ?? requestId]);
    return change({ ...params, until: undefined, reason: body.reason, by, key }, ports.now());
  },
});
