import { readStoredRecord, type StoredRecord } from '#ledger/export-line.ts';
import { BUNDLE_SIZE } from '#ledger/keys.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { recordsIn, tilePath } from '#ledger/tiles.ts';

/** A bundle's records in order, below number `end`. */
export type ReadBundle = (bundle: number, end: number) => Promise<readonly StoredRecord[]>;

/** What a bundle is called in the archive: as in the bucket of tiles. */
export const archivedPath = (bundle: number): string =>
  tilePath({ level: 'entries', index: bundle, width: BUNDLE_SIZE });

/** Where records are that have left the table, by whole bundles. */
export interface ArchiveReader {
  /** All records of a bundle, in order; undefined when it is not in the archive. */
  bundle(bundle: number): Promise<readonly StoredRecord[] | undefined>;
  /** The archived bundles from this one on that hold records of a release, in order. */
  bundlesOf(releaseId: string, from: number): Promise<readonly number[]>;
}

/**
 * The records of an archived bundle, which is stored as tlog-tiles has it: texts, each numbered by its place. Their
 * hashes are made anew, so whether they are the signed ones is for the tree to say.
 * @returns undefined when the bytes are no whole bundle.
 */
export const archivedRecords = (bundle: number, bytes: Uint8Array): readonly StoredRecord[] | undefined => {
  const texts = recordsIn(bytes);
  return texts?.length === BUNDLE_SIZE
    ? texts.map((canonical, place) => ({
        seq: bundle * BUNDLE_SIZE + place,
        canonical,
        recordHash: leafHash(canonical),
      }))
    : undefined;
};

/** Whether this record is in its archived bundle, under its number. */
export const isKept = (seq: number, records: readonly StoredRecord[] | undefined): boolean => {
  const record = records?.[seq % BUNDLE_SIZE];
  const line = record && readStoredRecord(record);
  return line?.kind === 'sound' && line.link.seq === seq;
};

/** How many records a bundle of the ledger has below `end`. */
const countBelow = (bundle: number, end: number): number =>
  Math.min(Math.max(end - bundle * BUNDLE_SIZE, 0), BUNDLE_SIZE);

/** Bundles from the table, and where it no longer has all of one, from the archive. */
export const withArchive =
  (table: ReadBundle, archive: Pick<ArchiveReader, 'bundle'>): ReadBundle =>
  async (bundle, end) => {
    const found = await table(bundle, end);
    if (found.length >= countBelow(bundle, end)) return found;
    const kept = await archive.bundle(bundle);
    return kept?.filter(({ seq }) => seq < end) ?? found;
  };
