import { setTimeout as sleep } from 'node:timers/promises';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context, DynamoDBBatchResponse } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { publishEntries } from '#ledger/adapters/eventbridge-bus.ts';
import { s3ArchivedBundles } from '#ledger/adapters/s3-archive.ts';
import { readChanges } from '#ledger/publish-events.ts';
import { streamChangesSchema } from '#ledger/stream-changes.ts';
import { dynamoDb, eventBridge, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';

const environment = readEnvironment({
  EVENT_BUS_NAME: z.string(),
  ARCHIVE_BUCKET: z.string(),
  LEDGER_PERSONAL_TABLE: z.string(),
});
const bus = eventBridge();
const personal = dynamoDbPersonal(dynamoDb(), environment.LEDGER_PERSONAL_TABLE);
const archived = s3ArchivedBundles(objectStore(), environment.ARCHIVE_BUCKET);
const pacing = {
  random: Math.random,
  sleep: async (milliseconds: number): Promise<void> => sleep(milliseconds),
};

/**
 * The outbox: every record that enters the ledger becomes an event on the bus, and nothing else does. Answers with the
 * position of the first change that could not be published; the stream comes again from there, so that some events
 * come twice and none is lost.
 */
export const handler = middy<unknown, DynamoDBBatchResponse, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event) => {
    const { entries, tampered } = await readChanges(streamChangesSchema.parse(event), archived, personal);
    for (const { kind, seq, position } of tampered) {
      metrics.addMetric(METRIC.ledgerTampered, 'Count', 1);
      logger.error('ledger was tampered with', { kind, seq, position });
    }
    const unpublished = await publishEntries(bus, environment.EVENT_BUS_NAME, entries, pacing);
    if (unpublished === undefined) return { batchItemFailures: [] };
    logger.warn('events could not be published and will be tried again', { ...unpublished });
    return { batchItemFailures: [{ itemIdentifier: unpublished.position }] };
  });
