import * as z from 'zod';
import { dynamoDbCheckpoints } from '#ledger/adapters/dynamodb-seals.ts';
import { indexedLedger, indexedLedgerEnvironment } from '#ledger/adapters/indexed-ledger.ts';
import { s3TileReader } from '#ledger/adapters/s3-tiles.ts';
import { instantOf } from '#ledger/query-schemas.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { isPosition } from '#ledger/record-filter.ts';
import { auditRoutes } from '#ledger/routes.ts';
import { ofRelease, searchRecords } from '#ledger/search-records.ts';
import { withVerification } from '#ledger/signed-records.ts';
import { dynamoDb, objectStore } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({
  ...indexedLedgerEnvironment,
  SEALS_TABLE: z.string(),
  TILES_BUCKET: z.string(),
});
const [tables, objects] = [dynamoDb(), objectStore()];
const { ledger, index } = indexedLedger(tables, objects, environment);
const seals = dynamoDbCheckpoints(tables, environment.SEALS_TABLE);
const readTile = s3TileReader(objects, environment.TILES_BUCKET);

const isSequenceNumber = (position: string): boolean => /^\d{1,15}$/.test(position);

export const handler = serveRoutes(auditRoutes)({
  listRecords: async ({ query: { release, limit, cursor, from, to, ...wanted } }) => {
    const filter = { ...wanted, from: instantOf(from), to: instantOf(to) };
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    // Before the page, so that nothing that they say was looked through could have been missed.
    const [head, indexedSize, signed] = await Promise.all([
      ledger.head(),
      index.indexedSize(),
      seals.lastCheckpoint(),
    ]);
    const asRead = (records: readonly LedgerRecord[]) =>
      withVerification(records, signed?.size ?? 0, readTile);
    if (release === undefined && isFiltered) {
      const position = cursor === undefined ? undefined : fromCursor(cursor, isPosition);
      const ports = { readPlaces: index.readPlaces, byNumbers: ledger.byNumbers };
      const { records, next } = await searchRecords(ports, filter, { position, limit });
      return {
        status: 200,
        body: {
          records: await asRead(records),
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
        records: await asRead(page.records),
        ...(page.next !== undefined && { next: toCursor(String(page.next)) }),
        head,
        searchedSize: head.size,
      },
    };
  },
});
