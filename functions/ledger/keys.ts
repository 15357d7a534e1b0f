import type { LinkedRecord } from '#ledger/chain.ts';

/**
 * Table `ledger`: partition `bundle` (N) = seq div 256, sort `seq` (N). A bundle is what one entry tile of the tree
 * holds, so writes spread over partitions and one Query reads what a tile needs.
 * Index `by-release`: partition `releaseId` (S), sort `seq` (N); only records about a release are in it.
 *
 * Table `ledger-heads`: partition `pk` (S).
 *   `head`         { size, hash }: the only item that every append writes
 *   `batch#<id>`   { digest, receipts }: the batch's first result; kept, so that an id has one meaning for ever; that of
 *                  a release's conclusion (ended-releases.ts) says that the release has its terminal record
 *
 * Table `ledger-index`: partition `term` (S), sort `place` (S), nothing beside them; made from the ledger by
 * index-records, and to be deleted and made anew at any time.
 *   `service#…`, `actor#…`, `type#…`, `control#…`, `all`   where the records of that term stand (record-filter.ts)
 *   `indexed`, `-`   { size }: the records below this number are in the index
 */
export const BUNDLE_SIZE = 256;
export const BY_RELEASE_INDEX = 'by-release';

export const bundleOf = (seq: number): number => Math.floor(seq / BUNDLE_SIZE);

export interface LedgerTables {
  readonly ledger: string;
  readonly heads: string;
}

export const HEAD_KEY = { pk: 'head' } as const;
export const INDEXED_KEY = { term: 'indexed', place: '-' } as const;
export const batchKey = (batchId: string) => ({ pk: `batch#${batchId}` });

/**
 * A record at rest. `canonical` is the text that `recordHash` covers, byte for byte: as attributes of its own,
 * DynamoDB's numbers (38 digits, no exponent kept) and sets could give back something else than was hashed.
 */
export interface LedgerItem {
  readonly bundle: number;
  readonly seq: number;
  readonly recordHash: string;
  readonly canonical: string;
  readonly releaseId?: string;
}

export const ledgerItem = ({ record, canonical }: LinkedRecord): LedgerItem => {
  const { releaseId } = record.data;
  return {
    bundle: bundleOf(record.seq),
    seq: record.seq,
    recordHash: record.recordHash,
    canonical,
    ...(typeof releaseId === 'string' && { releaseId }),
  };
};

/**
 * Table `seals`: partition `kind` (S), sort `number` (N).
 *   `seal`        number n:    { previousSize, size, root, hash, sealedAt }: a tree that is about to be signed, or was
 *   `checkpoint`  number size: { n, note, sealedAt }: the same with its signature
 *   `verified`    number 0:    { size, verifiedAt }: how far the nightly verification came
 */
export const SEAL_KIND = 'seal';
export const CHECKPOINT_KIND = 'checkpoint';
export const VERIFIED_KEY = { kind: 'verified', number: 0 } as const;

/** In the locked bucket: as wide as a safe integer, so that names sort by size. */
export const checkpointObjectKey = (size: number): string => `checkpoint/${String(size).padStart(16, '0')}`;

/**
 * Table `ledger-personal`: partition `bundle` (N), sort `seq` (N), as in `ledger`.
 *   { disclosures }: the personal values of that record and their salts; deleting it redacts the record
 */
export const personalKey = (seq: number) => ({ bundle: bundleOf(seq), seq });

/**
 * Table `archives`: partition `kind` (S), sort `number` (N).
 *   `bundle`       number bundle: { sha256, held, emptied }: it is in the archive; whether S3 holds it, whether the table is rid of it
 *   `release#<id>` number bundle: nothing beside the key: some of the release's records are in that bundle
 *   `progress`     number 0:      { next, holdsRevision, comparing, comparedTo }: how far the archiver came
 *   `run`          number 0:      { until }: a run of the archiver that no other may join, in milliseconds since 1970
 *
 * Table `holds`: partition `holdId` (S).
 *   `hold_…`    { filter, reason, by, at, lifted? }
 *   `revision`  { revision }: grows with every hold that is put or lifted
 */
export const ARCHIVED_KIND = 'bundle';
export const ARCHIVE_PROGRESS_KEY = { kind: 'progress', number: 0 } as const;
export const ARCHIVE_RUN_KEY = { kind: 'run', number: 0 } as const;
export const HOLDS_REVISION_KEY = { holdId: 'revision' } as const;
export const archivedReleaseKind = (releaseId: string): string => `release#${releaseId}`;
