import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';
import { archiveEnvironment, ledgerArchive } from '#ledger/adapters/ledger-archive.ts';

/** What every function needs that searches the ledger, or makes it searchable. */
export const indexedLedgerEnvironment = {
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  LEDGER_INDEX_TABLE: z.string(),
  ...archiveEnvironment,
};

/** The ledger with its archive, and its index. */
export const indexedLedger = (
  client: DynamoDBDocumentClient,
  objects: S3Client,
  environment: z.infer<z.ZodObject<typeof indexedLedgerEnvironment>>,
) => ({
  ledger: dynamoDbLedgerReader(
    client,
    { ledger: environment.LEDGER_TABLE, heads: environment.LEDGER_HEADS_TABLE },
    ledgerArchive(client, objects, environment),
  ),
  index: dynamoDbRecordIndex(client, environment.LEDGER_INDEX_TABLE, async (milliseconds) =>
    sleep(milliseconds),
  ),
});
