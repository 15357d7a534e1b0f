import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { auditRoutes } from '#ledger/routes.ts';
import { dynamoDb } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({ LEDGER_TABLE: z.string(), LEDGER_HEADS_TABLE: z.string() });

const ledger = dynamoDbLedgerReader(dynamoDb(), {
  ledger: environment.LEDGER_TABLE,
  heads: environment.LEDGER_HEADS_TABLE,
});

const isSequenceNumber = (position: string): boolean => /^\d{1,15}$/.test(position);

export const handler = serveRoutes(auditRoutes)({
  listRecords: async ({ query: { release, limit, cursor } }) => {
    const from = cursor === undefined ? 0 : Number(fromCursor(cursor, isSequenceNumber));
    const head = await ledger.head();
    const page =
      release === undefined
        ? await ledger.from(from, limit)
        : await ledger.byRelease(release, { from, limit });
    return {
      status: 200,
      body: {
        records: [...page.records],
        ...(page.next !== undefined && { next: toCursor(String(page.next)) }),
        head,
      },
    };
  },
});
