import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { indexedLedger, indexedLedgerEnvironment } from '#ledger/adapters/indexed-ledger.ts';
import { indexRecords } from '#ledger/index-records.ts';
import { dynamoDb, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { logger } from '#platform/telemetry.ts';

const { ledger, index } = indexedLedger(dynamoDb(), objectStore(), readEnvironment(indexedLedgerEnvironment));

/** What one stride may take; no other is begun with less time left than this. */
const STRIDE_MILLISECONDS = 15_000;

/** Woken by the ledger's stream; what is new it finds out by itself. */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .handler(async (_event, context) =>
    indexRecords({
      ledger,
      index,
      onUnreadable: (seq) => logger.error('record can not be read and is not indexed', { seq }),
      isTimeLeft: () => context.getRemainingTimeInMillis() > STRIDE_MILLISECONDS,
    }),
  );
