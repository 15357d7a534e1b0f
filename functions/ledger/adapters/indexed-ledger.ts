import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';

/** What every function needs that searches the ledger, or makes it searchable. */
export const indexedLedgerEnvironment = {
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  LEDGER_INDEX_TABLE: z.string(),
};

/** The ledger and its index on their tables. */
export const indexedLedger = (
  client: DynamoDBDocumentClient,
  environment: z.infer<z.ZodObject<typeof indexedLedgerEnvironment>>,
) => ({
  ledger: dynamoDbLedgerReader(client, {
    ledger: environment.LEDGER_TABLE,
    heads: environment.LEDGER_HEADS_TABLE,
  }),
  index: dynamoDbRecordIndex(client, environment.LEDGER_INDEX_TABLE, async (milliseconds) =>
    sleep(milliseconds),
  ),
});
