import { type ArchiveReader, isKept } from '#ledger/archived-bundle.ts';
import { discloseRecords, type ReadPersonal } from '#ledger/disclose-records.ts';
import { bundleOf } from '#ledger/keys.ts';
import {
  detailTypeOf,
  type InsertedItem,
  LEDGER_EVENT_SOURCE,
  type LedgerEvent,
  ledgerEventOf,
} from '#ledger/ledger-event.ts';

/** One change that the table's stream shows. */
export interface StreamChange {
  readonly kind: 'INSERT' | 'MODIFY' | 'REMOVE';
  /** The stream's own number of the change, by which a failed one is named. */
  readonly position: string;
  /** Number of the record, from the item's key. */
  readonly seq: number | undefined;
  /** What was inserted, or what stands there now. */
  readonly item: InsertedItem;
}

export interface BusEntry {
  readonly position: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: string;
  readonly time: Date;
}

/** Where publishing stopped, and why. */
export interface Unpublished {
  readonly position: string;
  readonly reason: unknown;
}

/** PutEvents takes 10 entries and 256 KB (2^18 bytes) a call. */
const ENTRIES_MAX = 10;
const CALL_BYTES_MAX = 262_144;

/** How EventBridge counts an entry (EventBridge User Guide, "Calculating PutEvents event entry size"): 14 for the time. */
export const entryBytes = (entry: BusEntry): number =>
  14 +
  Buffer.byteLength(entry.source) +
  Buffer.byteLength(entry.detailType) +
  Buffer.byteLength(entry.detail);

/** The entry of a record's event; `position` is by what its caller knows it again. */
export const entryOf = (position: string, event: LedgerEvent): BusEntry => ({
  position,
  source: LEDGER_EVENT_SOURCE,
  detailType: detailTypeOf(event.record),
  detail: JSON.stringify(event),
  time: new Date(event.record.event.timestamp),
});

/**
 * What to publish, and what must never have happened: records are inserted, by append-records, and then stay as they
 * are until the archive has them. A modified one, one that was removed and is not in the archive, or an insert that is no
 * sound record, is tampering.
 * @throws TransientError when the archive can't be asked, so that the stream comes again.
 */
export const readChanges = async (
  changes: readonly StreamChange[],
  archived: ArchiveReader['bundle'],
  personal: ReadPersonal,
): Promise<{ readonly entries: readonly BusEntry[]; readonly tampered: readonly StreamChange[] }> => {
  const events: { readonly position: string; readonly event: LedgerEvent }[] = [];
  const tampered: StreamChange[] = [];
  const wasMoved = async ({ kind, seq }: StreamChange): Promise<boolean> =>
    kind === 'REMOVE' && seq !== undefined && isKept(seq, await archived(bundleOf(seq)));
  for (const change of changes) {
    const event = change.kind === 'INSERT' ? ledgerEventOf(change.item) : undefined;
    if (event !== undefined) events.push({ position: change.position, event });
    else if (!(await wasMoved(change))) tampered.push(change);
  }
  const records = await discloseRecords(
    events.map(({ event }) => event.record),
    personal,
  );
  const entries = events.map(({ position, event }, place) =>
    entryOf(position, { ...event, record: records[place] ?? event.record }),
  );
  return { entries, tampered };
};

/** The entries in calls of at most 10 and 256 KB, order kept. */
export const callsOf = (entries: readonly BusEntry[]): readonly (readonly BusEntry[])[] => {
  const calls: BusEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const call = calls.at(-1);
    if (call === undefined || call.length === ENTRIES_MAX || bytes + entryBytes(entry) > CALL_BYTES_MAX) {
      calls.push([entry]);
      bytes = entryBytes(entry);
    } else {
      call.push(entry);
      bytes += entryBytes(entry);
    }
  }
  return calls;
};
