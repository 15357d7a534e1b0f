import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';
import { ledgerArchive, ledgerEnvironment } from '#ledger/adapters/ledger-archive.ts';

/** What every function needs that searches the ledger, or makes it searchable. */
export const indexedLedgerEnvironment = {
  ...ledgerEnvironment,
  LEDGER_INDEX_TABLE: z.string(),
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
    dynamoDbPersonal(client, environment.LEDGER_PERSONAL_TABLE),
  ),
  index: dynamoDbRecordIndex(client, environment.LEDGER_INDEX_TABLE, async (milliseconds) =>
    sleep(milliseconds),
  ),
});
