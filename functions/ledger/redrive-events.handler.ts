import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { dynamoDbBundles } from '#ledger/adapters/dynamodb-bundles.ts';
import { dynamoDbHead } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { publishEntries } from '#ledger/adapters/eventbridge-bus.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { s3ArchivedBundles } from '#ledger/adapters/s3-archive.ts';
import { withArchive } from '#ledger/archived-bundle.ts';
import { redriveEvents } from '#ledger/redrive-events.ts';
import { redriveRoutes } from '#ledger/redrive-routes.ts';
import { dynamoDb, eventBridge, lambdaInvoker, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({
  EVENT_BUS_NAME: z.string(),
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
  LEDGER_PERSONAL_TABLE: z.string(),
  ARCHIVE_BUCKET: z.string(),
});

const client = dynamoDb();
const bus = eventBridge();
const pacing = {
  random: Math.random,
  sleep: async (milliseconds: number): Promise<void> => sleep(milliseconds),
};

const ports = {
  head: dynamoDbHead(client, { heads: environment.LEDGER_HEADS_TABLE }),
  bundle: withArchive(dynamoDbBundles(client, environment.LEDGER_TABLE), {
    bundle: s3ArchivedBundles(objectStore(), environment.ARCHIVE_BUCKET),
  }),
  personal: dynamoDbPersonal(client, environment.LEDGER_PERSONAL_TABLE),
  publish: (entries: Parameters<typeof publishEntries>[2]) =>
    publishEntries(bus, environment.EVENT_BUS_NAME, entries, pacing),
  ledger: lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN),
};

export const handler = serveRoutes(redriveRoutes)({
  redriveEvents: async ({ body, caller, idempotencyKey, requestId }) => {
    const { first, last } = body;
    const redrive = {
      ...body,
      by: caller.actor,
      at: new Date().toISOString(),
      key: idempotencyKey ?? requestId,
    };
    return { status: 200, body: { first, last, events: await redriveEvents(ports, redrive) } };
  },
});
