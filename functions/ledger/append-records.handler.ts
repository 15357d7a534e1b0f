import { setTimeout as sleep } from 'node:timers/promises';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbLedger } from '#ledger/adapters/dynamodb-ledger.ts';
import type { AppendReceipt } from '#ledger/append.ts';
import { appendLateRecords, type KeptMessages, lateRecordsEventSchema } from '#ledger/late-records.ts';
import { ledgerTasks } from '#ledger/tasks.ts';
import { dynamoDb } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { METRIC } from '#platform/metric-names.ts';
import { newUlid } from '#platform/new-id.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';

const environment = readEnvironment({ LEDGER_TABLE: z.string(), LEDGER_HEADS_TABLE: z.string() });

const ledger = dynamoDbLedger(
  dynamoDb(),
  { ledger: environment.LEDGER_TABLE, heads: environment.LEDGER_HEADS_TABLE },
  {
    now: () => new Date(),
    newUlid,
    random: Math.random,
    sleep: async (milliseconds) => sleep(milliseconds),
    contended: () => metrics.addMetric(METRIC.ledgerAppendContended, 'Count', 1),
  },
);

/** The only writer of the ledger: called directly for decisions, by the queue for records that come late. */
export const handler = middy<unknown, readonly AppendReceipt[] | KeptMessages, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event) => {
    const late = lateRecordsEventSchema.safeParse(event);
    if (!late.success) {
      const { batchId, records } = parseOrRefuse(ledgerTasks.AppendRecords.input, event, 'the batch');
      return ledger.append(batchId, records);
    }
    return appendLateRecords(late.data, {
      appendLate: ledger.appendLate,
      onAppended: (records) => metrics.addMetric(METRIC.ledgerRecordLate, 'Count', records),
      onFailed: (messageId, error) =>
        logger.error('late records could not be appended', { messageId, error }),
    });
  });
