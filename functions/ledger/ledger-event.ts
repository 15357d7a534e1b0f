import * as z from 'zod';
import { canonicalRecord } from '#ledger/canonical.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { hashSchema, type LedgerRecord, ledgerRecordSchema } from '#ledger/record.ts';

/** The `source` of every event that Sluice puts on the bus. */
export const LEDGER_EVENT_SOURCE = 'sluice';

/** The `detail-type` of a record's event: the record's type behind `sluice.`. */
export const detailTypeOf = (record: LedgerRecord): string => `sluice.${record.event.type}`;

/**
 * The `detail` of an event: a record that is in the ledger. Events come at least once and in no order; whoever cares
 * about order applies only `seq` above the last one, and reads the ledger where there is a gap.
 *
 * A record's canonical form is 65,535 bytes at most, so an event always fits into EventBridge's 256 KB.
 */
export const ledgerEventSchema = z.strictObject({
  schemaVersion: z.literal(1),
  seq: z.int().min(0),
  recordHash: hashSchema,
  record: ledgerRecordSchema,
});
export type LedgerEvent = z.infer<typeof ledgerEventSchema>;

/** What the stream shows of an item; an attribute that is absent, or no string or number as it should be, is undefined. */
export interface InsertedItem {
  readonly seq?: number | undefined;
  readonly canonical?: string | undefined;
  readonly recordHash?: string | undefined;
}

/**
 * The event of what the table's stream shows as inserted; `undefined` when that is not a record as append-records
 * writes it (its hash is not its text's, its keys are not its number): nobody is told of what was put there by hand.
 */
export const ledgerEventOf = (item: InsertedItem): LedgerEvent | undefined => {
  const { canonical, recordHash, seq } = item;
  if (canonical === undefined || recordHash === undefined || leafHash(canonical) !== recordHash)
    return undefined;
  try {
    const record = ledgerRecordSchema.parse({ ...JSON.parse(canonical), recordHash });
    if (record.seq !== seq || canonicalRecord(record) !== canonical) return undefined;
    return { schemaVersion: 1, seq, recordHash, record };
  } catch {
    return undefined;
  }
};
