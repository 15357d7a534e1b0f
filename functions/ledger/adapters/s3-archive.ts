import {
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3TileReader } from '#ledger/adapters/s3-tiles.ts';
import type { BundleArchive } from '#ledger/archive-ledger.ts';
import { type ArchiveReader, archivedPath, archivedRecords } from '#ledger/archived-bundle.ts';
import { BUNDLE_SIZE } from '#ledger/keys.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

/** Pages of a list ask for the same bundle again; what is archived never changes. */
const BUNDLES_KEPT = 4;

const placeOf = (bundle: number) => ({ level: 'entries', index: bundle, width: BUNDLE_SIZE }) as const;

const WHAT = 'the archive';

/** Reads archived bundles. Listing the bucket is what makes S3 say of a missing one that it is missing. */
export const s3ArchivedBundles = (client: S3Client, bucket: string): ArchiveReader['bundle'] => {
  const read = s3TileReader(client, bucket, WHAT);
  const known = new Map<number, NonNullable<ReturnType<typeof archivedRecords>>>();
  return async (bundle) => {
    const before = known.get(bundle);
    if (before !== undefined) return before;
    const bytes = await read(placeOf(bundle));
    const records = bytes && archivedRecords(bundle, bytes);
    if (records === undefined) return undefined;
    for (const oldest of [...known.keys()].slice(0, Math.max(known.size - BUNDLES_KEPT + 1, 0)))
      known.delete(oldest);
    known.set(bundle, records);
    return records;
  };
};

/** The locked bucket, as the archiver has it: bundles are put there once, and held. */
export const s3Archive = (client: S3Client, bucket: string): BundleArchive => ({
  put: async (bundle, bytes) => {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: archivedPath(bundle),
      Body: bytes,
      ContentType: 'application/octet-stream',
      ChecksumAlgorithm: 'SHA256',
      IfNoneMatch: '*',
    });
    try {
      await orTransient(WHAT, client.send(command));
    } catch (error) {
      if (!isNamed(error, 'PreconditionFailed')) throw error;
    }
  },
  read: (bundle) => s3TileReader(client, bucket, WHAT)(placeOf(bundle)),
  lockedUntil: async (bundle) => {
    const command = new HeadObjectCommand({ Bucket: bucket, Key: archivedPath(bundle) });
    return (await orTransient(WHAT, client.send(command))).ObjectLockRetainUntilDate;
  },
  hold: async (bundle, on) => {
    const command = new PutObjectLegalHoldCommand({
      Bucket: bucket,
      Key: archivedPath(bundle),
      LegalHold: { Status: on ? 'ON' : 'OFF' },
    });
    await orTransient(WHAT, client.send(command));
  },
});
