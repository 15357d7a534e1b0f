import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDb } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { NotFoundError } from '#platform/errors.ts';
import { type ReleaseId, releaseIdSchema } from '#platform/ids.ts';
import { METRIC } from '#platform/metric-names.ts';
import { newReleaseId } from '#platform/new-id.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { metrics } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { executionPorts, releasePorts } from '#releases/adapters/release-ports.ts';
import { executionEnvironment, releaseEnvironment } from '#releases/environment.ts';
import { idempotencyScope } from '#releases/keys.ts';
import { phaseOf, type Release } from '#releases/release.ts';
import { requestRelease } from '#releases/request-release.ts';
import { releaseRoutes } from '#releases/routes.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...executionEnvironment,
  SERVICES_TABLE: z.string(),
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
});

const ports = {
  ...releasePorts(environment),
  ...executionPorts(environment),
  services: dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE),
};
const records = dynamoDbLedgerReader(dynamoDb(), {
  ledger: environment.LEDGER_TABLE,
  heads: environment.LEDGER_HEADS_TABLE,
});

const view = (release: Release) => ({ ...release, phase: phaseOf(release) });

const mustGet = async (releaseId: ReleaseId): Promise<Release> => {
  const release = await ports.releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  return release;
};

export const handler = serveRoutes(releaseRoutes)({
  requestRelease: async ({ body, caller, idempotencyKey, requestId }) => {
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
});
