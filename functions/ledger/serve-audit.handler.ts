import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';
import { ledgerArchive, ledgerEnvironment } from '#ledger/adapters/ledger-archive.ts';
import { instantOf } from '#ledger/query-schemas.ts';
import { isPosition } from '#ledger/record-filter.ts';
import { auditRoutes } from '#ledger/routes.ts';
import { ofRelease, searchRecords } from '#ledger/search-records.ts';
import { dynamoDb, objectStore } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

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

const isSequenceNumber = (position: string): boolean => /^\d{1,15}$/.test(position);

export const handler = serveRoutes(auditRoutes)({
  listRecords: async ({ query: { release, limit, cursor, from, to, ...wanted } }) => {
    const filter = { ...wanted, from: instantOf(from), to: instantOf(to) };
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    // Before the page, so that nothing that they say was looked through could have been missed.
    const [head, indexedSize] = await Promise.all([ledger.head(), index.indexedSize()]);
    if (release === undefined && isFiltered) {
      const position = cursor === undefined ? undefined : fromCursor(cursor, isPosition);
      const ports = { readPlaces: index.readPlaces, byNumbers: ledger.byNumbers };
      const { records, next } = await searchRecords(ports, filter, { position, limit });
      return {
        status: 200,
        body: {
          records: [...records],
          ...(next !== undefined && { next: toCursor(next) }),
          head,
          searchedSize: Math.min(indexedSize, head.size),
        },
      };
    }
    const start = cursor === undefined ? 0 : Number(fromCursor(cursor, isSequenceNumber));
    const page =
      release === undefined
        ? await ledger.from(start, limit)
        : ofRelease(await ledger.byRelease(release, { from: start, limit }), filter);
    return {
      status: 200,
      body: {
        records: [...page.records],
        ...(page.next !== undefined && { next: toCursor(String(page.next)) }),
        head,
        searchedSize: head.size,
      },
    };
  },
});
