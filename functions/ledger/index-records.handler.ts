import { setTimeout as sleep } from 'node:timers/promises';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';
import { ledgerArchive, ledgerEnvironment } from '#ledger/adapters/ledger-archive.ts';
import { indexRecords } from '#ledger/index-records.ts';
import { dynamoDb, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { logger } from '#platform/telemetry.ts';

const environment = readEnvironment({
  ...ledgerEnvironment,
  LEDGER_INDEX_TABLE: z.string(),
});

const client = dynamoDb();
const ledger = dynamoDbLedgerReader(
  client,
  { ledger: environment.LEDGER_TABLE, heads: environment.LEDGER_HEADS_TABLE },
  ledgerArchive(client, objectStore(), environment),
  dynamoDbPersonal(client, environment.LEDGER_PERSONAL_TABLE),
);
const index = dynamoDbRecordIndex(client, environment.LEDGER_INDEX_TABLE, async (milliseconds) =>
  sleep(milliseconds),
);

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
