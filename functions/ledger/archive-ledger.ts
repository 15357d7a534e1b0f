import { hash as digest } from 'node:crypto';
import { archivedRecords, type ReadBundle } from '#ledger/archived-bundle.ts';
import type { LedgerHead } from '#ledger/chain.ts';
import { openCheckpoint } from '#ledger/checkpoint.ts';
import type { ReadPersonal } from '#ledger/disclose-records.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import { BUNDLE_SIZE } from '#ledger/keys.ts';
import { type Holds, holdOn } from '#ledger/legal-hold.ts';
import { sameHash } from '#ledger/merkle.ts';
import { inclusionProof, rootByInclusion } from '#ledger/proofs.ts';
import type { Checkpoint } from '#ledger/seal.ts';
import type { VerifierKey } from '#ledger/signed-note.ts';
import { recordOf } from '#ledger/stored-record.ts';
import { bundleBytes, type ReadTile, readHashes } from '#ledger/tiles.ts';
import { LedgerIntegrityError } from '#platform/errors.ts';

/** The bucket of the archive, whose objects are locked. */
export interface BundleArchive {
  /** Puts a bundle there once; the one that is there stays. */
  put(bundle: number, bytes: Uint8Array): Promise<void>;
  read(bundle: number): Promise<Uint8Array | undefined>;
  /** Until when nobody can delete it; undefined when it is not locked. */
  lockedUntil(bundle: number): Promise<Date | undefined>;
  /** S3's own legal hold: while it is on, the end of the lock changes nothing. */
  hold(bundle: number, on: boolean): Promise<void>;
}

export interface ArchivedBundle {
  readonly bundle: number;
  readonly sha256: string;
  /** Whether S3 holds it. */
  readonly held: boolean;
  /** Whether the table is rid of it. */
  readonly emptied: boolean;
}

export interface ArchiveProgress {
  /** No bundle below this one is left to be moved. */
  readonly next: number;
  /** The revision of the holds that all archived bundles were compared with. */
  readonly holdsRevision: number;
  /** The revision that they are being compared with, and the first bundle that was not yet. */
  readonly comparing: number;
  readonly comparedTo: number;
}

/** What the archiver knows of what it did. Reads are consistent. */
export interface ArchiveRegister {
  /** False while another run has the register for itself; it is given back at the latest when `until` is over. */
  take(now: Date, until: Date): Promise<boolean>;
  giveBack(): Promise<void>;
  progress(): Promise<ArchiveProgress>;
  saveProgress(progress: ArchiveProgress): Promise<void>;
  /** The archived bundles from this one on, in order. */
  from(bundle: number): Promise<readonly ArchivedBundle[]>;
  save(archived: ArchivedBundle): Promise<void>;
  noteRelease(releaseId: string, bundle: number): Promise<void>;
}

export interface ArchivePorts {
  readonly key: VerifierKey;
  readonly head: () => Promise<LedgerHead>;
  /** How far the nightly verification came. */
  readonly verifiedSize: () => Promise<number>;
  /** The first checkpoint that covers so many records. */
  readonly covering: (size: number) => Promise<Checkpoint | undefined>;
  readonly tiles: ReadTile;
  /** From the table alone; consistent. */
  readonly table: ReadBundle;
  /** False when a hold came or went since that revision. */
  readonly remove: (
    bundle: number,
    sha256: string,
    records: readonly StoredRecord[],
    holdsRevision: number,
  ) => Promise<boolean>;
  readonly archive: BundleArchive;
  readonly register: ArchiveRegister;
  readonly holds: () => Promise<Holds>;
  readonly personal: ReadPersonal;
  /** Tells the ledger what is about to leave the table; the same again tells nothing. */
  readonly tell: (archived: { readonly bundle: number; readonly sha256: string }) => Promise<void>;
  readonly now: () => Date;
  readonly isTimeLeft: () => boolean;
}

export interface ArchiveTerms {
  /** How long records stay in the table after they were signed. */
  readonly keepMilliseconds: number;
  /** Whether a copy must be locked before the table gives up the record. */
  readonly mustBeLocked: boolean;
}

/** `heldBack`: bundles that are old enough and under a hold. `more`: time was up before the end, or another run is at it. */
export interface ArchiveOutcome {
  readonly archived: number;
  readonly heldBack: number;
  readonly more: boolean;
}

/** Longer than any run may take, so that two never are at the same holds: the function's time-out is below. */
const RUN_MILLISECONDS_MAX = 5 * 60_000;

const refuse = (text: string): LedgerIntegrityError =>
  new LedgerIntegrityError(`${text}: nothing was removed; see the runbook, "ArchivalFailed"`);

/** The bundle's records, from the table or, where some have left it, from the archive; and that they are the signed ones. */
const signedRecords = async (
  { key, table, tiles, archive }: ArchivePorts,
  bundle: number,
  { size, note }: Checkpoint,
): Promise<readonly StoredRecord[]> => {
  const first = bundle * BUNDLE_SIZE;
  let records = await table(bundle, first + BUNDLE_SIZE);
  if (records.length < BUNDLE_SIZE) {
    const bytes = await archive.read(bundle);
    const kept = bytes && archivedRecords(bundle, bytes);
    if (kept === undefined)
      throw refuse(`of records ${first} to ${first + BUNDLE_SIZE - 1} the table has ${records.length}`);
    records = kept;
  }
  const made = archivedRecords(bundle, bundleBytes(records.map(({ canonical }) => canonical))) ?? [];
  const hashes = await readHashes(tiles, { level: 0, index: bundle, width: BUNDLE_SIZE });
  const wrong = made.find(({ recordHash, seq }, place) => {
    const hash = hashes[place];
    const stored = records[place];
    const leaf = Buffer.from(recordHash, 'hex');
    return (
      hash === undefined || !sameHash(hash, leaf) || stored?.recordHash !== recordHash || stored.seq !== seq
    );
  });
  if (made.length < BUNDLE_SIZE || wrong !== undefined)
    throw refuse(`record ${wrong?.seq ?? first} is not the one that its tile tells of`);
  // A record's proof is made of all the hashes of its tile: if it leads to the signed root, they are the signed ones.
  const opened = openCheckpoint(note, key);
  const proof = await inclusionProof(tiles, first, size);
  const root = rootByInclusion(Buffer.from(made[0]?.recordHash ?? '', 'hex'), first, size, proof);
  if (!opened.ok || opened.head.size !== size || root === undefined || !sameHash(root, opened.head.root))
    throw refuse(
      `the checkpoint of ${size} records does not sign records ${first} to ${first + BUNDLE_SIZE - 1}`,
    );
  return records;
};

/** A copy in the archive, read back to the last byte, and locked where the stage says so. */
const copy = async (
  { archive, now }: ArchivePorts,
  { mustBeLocked }: ArchiveTerms,
  bundle: number,
  bytes: Uint8Array,
): Promise<void> => {
  await archive.put(bundle, bytes);
  const found = await archive.read(bundle);
  if (found === undefined || !sameHash(found, bytes))
    throw refuse(`what the archive has as bundle ${bundle} is not what was put there`);
  if (!mustBeLocked) return;
  const until = await archive.lockedUntil(bundle);
  if (until === undefined || until <= now())
    throw refuse(`the archive's copy of bundle ${bundle} is not locked`);
};

/**
 * Moves one bundle: copied and read back, told, noted, and only then removed from the table. Whatever a crash leaves
 * undone the next run does, because each step is the same again.
 * @returns false when a hold keeps it where it is.
 */
const move = async (
  ports: ArchivePorts,
  terms: ArchiveTerms,
  { bundle, held }: Pick<ArchivedBundle, 'bundle' | 'held'>,
  checkpoint: Checkpoint,
): Promise<boolean> => {
  const { register, tell, remove } = ports;
  const records = await signedRecords(ports, bundle, checkpoint);
  const holds = await ports.holds();
  if ((await holdOn(holds, records, ports.personal)) !== undefined) return false;
  const bytes = bundleBytes(records.map(({ canonical }) => canonical));
  const sha256 = digest('sha256', bytes, 'hex');
  await copy(ports, terms, bundle, bytes);
  await tell({ bundle, sha256 });
  const releases = new Set(records.map((record) => recordOf(record).data.releaseId));
  for (const releaseId of releases)
    if (typeof releaseId === 'string') await register.noteRelease(releaseId, bundle);
  const archived = { bundle, sha256, held };
  await register.save({ ...archived, emptied: false });
  if (!(await remove(bundle, sha256, records, holds.revision))) return false;
  await register.save({ ...archived, emptied: true });
  return true;
};

/**
 * Holds and unholds what is archived already, after the holds changed.
 * @returns false when time was up before the end.
 */
const applyHolds = async (ports: ArchivePorts): Promise<boolean> => {
  const { register, archive, isTimeLeft } = ports;
  const holds = await ports.holds();
  let progress = await register.progress();
  if (progress.holdsRevision === holds.revision) return true;
  if (progress.comparing !== holds.revision)
    progress = { ...progress, comparing: holds.revision, comparedTo: 0 };
  for (const archived of await register.from(progress.comparedTo)) {
    if (!isTimeLeft()) return false;
    const bytes = await archive.read(archived.bundle);
    const records = bytes && archivedRecords(archived.bundle, bytes);
    if (records === undefined) throw refuse(`bundle ${archived.bundle} is no longer in the archive`);
    const held = (await holdOn(holds, records, ports.personal)) !== undefined;
    if (held !== archived.held) {
      await archive.hold(archived.bundle, held);
      await register.save({ ...archived, held });
    }
    progress = { ...progress, comparedTo: archived.bundle + 1 };
    await register.saveProgress(progress);
  }
  await register.saveProgress({ ...progress, holdsRevision: holds.revision });
  return true;
};

/** Moves bundle by bundle from where the last run came to. */
const moveDue = async (ports: ArchivePorts, terms: ArchiveTerms): Promise<ArchiveOutcome> => {
  const { register, covering, now, isTimeLeft } = ports;
  let archived = 0;
  let heldBack = 0;
  let { next } = await register.progress();
  const start = next;
  const known = new Map((await register.from(start)).map((row) => [row.bundle, row]));
  const [{ size }, verified] = await Promise.all([ports.head(), ports.verifiedSize()]);
  const advance = async (bundle: number): Promise<void> => {
    if (next !== bundle) return;
    next += 1;
    await register.saveProgress({ ...(await register.progress()), next });
  };
  // Never the bundle of the last record, which the next one links to.
  for (let bundle = start; (bundle + 1) * BUNDLE_SIZE < size; bundle += 1) {
    const end = (bundle + 1) * BUNDLE_SIZE;
    const before = known.get(bundle);
    if (before?.emptied === true) {
      await advance(bundle);
      continue;
    }
    const checkpoint = end <= verified ? await covering(end) : undefined;
    if (checkpoint === undefined) break;
    if (new Date(checkpoint.sealedAt).getTime() + terms.keepMilliseconds > now().getTime()) break;
    if (!isTimeLeft()) return { archived, heldBack, more: true };
    if (await move(ports, terms, before ?? { bundle, held: false }, checkpoint)) {
      archived += 1;
      await advance(bundle);
    } else heldBack += 1;
  }
  return { archived, heldBack, more: false };
};

/**
 * Moves what is old enough from the table to the archive, by whole bundles of 256: signed, verified by the nightly run,
 * under no hold. Then it puts and lifts S3's own holds on what is archived, as the holds are by now.
 * @throws LedgerIntegrityError when records are not those that were signed, or the copy is not what was copied.
 */
export const archiveLedger = async (ports: ArchivePorts, terms: ArchiveTerms): Promise<ArchiveOutcome> => {
  const { register, now } = ports;
  const from = now();
  if (!(await register.take(from, new Date(from.getTime() + RUN_MILLISECONDS_MAX))))
    return { archived: 0, heldBack: 0, more: true };
  try {
    const outcome = await moveDue(ports, terms);
    const isHeld = await applyHolds(ports);
    return { ...outcome, more: outcome.more || !isHeld };
  } finally {
    await register.giveBack();
  }
};
