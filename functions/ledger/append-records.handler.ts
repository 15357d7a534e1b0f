import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbLedger } from '#ledger/adapters/dynamodb-ledger.ts';
import type { AppendReceipt } from '#ledger/append.ts';
import { appendQueuedRecords, type KeptMessages, queuedRecordsEventSchema } from '#ledger/queued-records.ts';
import { ledgerTasks } from '#ledger/tasks.ts';
import { dynamoDb } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { METRIC } from '#platform/metric-names.ts';
import { newUlid } from '#platform/new-id.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';

const environment = readEnvironment({
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  LEDGER_PERSONAL_TABLE: z.string(),
  CAPTURES_QUEUE_ARN: z.string(),
});

const ledger = dynamoDbLedger(
  dynamoDb(),
  {
    ledger: environment.LEDGER_TABLE,
    heads: environment.LEDGER_HEADS_TABLE,
    personal: environment.LEDGER_PERSONAL_TABLE,
  },
  {
    now: () => new Date(),
    newUlid,
    newSalt: () => randomBytes(16).toString('base64url'),
    random: Math.random,
    sleep: async (milliseconds) => sleep(milliseconds),
    contended: () => metrics.addMetric(METRIC.ledgerAppendContended, 'Count', 1),
  },
);

/** What one batch may take at most, its retries included; none is begun with less time left. */
const BATCH_MILLISECONDS = 9_000;

/** The only writer of the ledger: called directly for decisions, by its queues for what comes late or is captured. */
export const handler = middy<unknown, readonly AppendReceipt[] | KeptMessages, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event, context) => {
    const queued = queuedRecordsEventSchema.safeParse(event);
    if (!queued.success) {
      const { batchId, records } = parseOrRefuse(ledgerTasks.AppendRecords.input, event, 'the batch');
      return ledger.append(batchId, records);
    }
    return appendQueuedRecords(queued.data, {
      kindOf: (arn) => (arn === environment.CAPTURES_QUEUE_ARN ? 'captured' : 'late'),
      append: { late: ledger.appendLate, captured: ledger.appendCaptured },
      isTimeLeft: () => context.getRemainingTimeInMillis() > BATCH_MILLISECONDS,
      onAppended: (kind, records) => {
        if (kind === 'late') metrics.addMetric(METRIC.ledgerRecordLate, 'Count', records);
      },
      onFailed: (messageId, error) =>
        logger.error('queued records could not be appended', { messageId, error }),
    });
  });
