import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { dynamoDbHoldReader } from '#ledger/adapters/dynamodb-holds.ts';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';
import { forgetPersonal } from '#ledger/adapters/dynamodb-redaction.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { ledgerArchive, ledgerEnvironment } from '#ledger/adapters/ledger-archive.ts';
import { redactRecords } from '#ledger/redact-records.ts';
import { redactionRoutes } from '#ledger/redaction-routes.ts';
import { dynamoDb, lambdaInvoker, objectStore } from '#platform/clients.ts';
import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({
  ...ledgerEnvironment,
  LEDGER_INDEX_TABLE: z.string(),
  HOLDS_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
});

const client = dynamoDb();
const tables = { personal: environment.LEDGER_PERSONAL_TABLE, holds: environment.HOLDS_TABLE };
const ports = {
  reader: dynamoDbLedgerReader(
    client,
    { ledger: environment.LEDGER_TABLE, heads: environment.LEDGER_HEADS_TABLE },
    ledgerArchive(client, objectStore(), environment),
    dynamoDbPersonal(client, tables.personal),
  ),
  ledger: lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN),
  index: dynamoDbRecordIndex(client, environment.LEDGER_INDEX_TABLE, async (milliseconds) =>
    sleep(milliseconds),
  ),
  holds: dynamoDbHoldReader(client, tables.holds),
  forget: forgetPersonal(client, tables),
};

export const handler = serveRoutes(redactionRoutes)({
  redactRecords: async ({ body, caller, idempotencyKey, requestId }) => {
    const { actor: by } = caller;
    const key = digestOf([by.login, idempotencyKey ?? requestId]);
    const done = await redactRecords(ports, { ...body, by, key, at: new Date().toISOString() });
    return { status: 200, body: done };
  },
});
