import * as z from 'zod';
import { dynamoDbCheckpoints } from '#ledger/adapters/dynamodb-seals.ts';
import { kmsVkey } from '#ledger/adapters/kms-signer.ts';
import { s3BundleReader, s3TileReader } from '#ledger/adapters/s3-tiles.ts';
import { TILE_WIDTH } from '#ledger/merkle.ts';
import { proofRoutes } from '#ledger/proof-routes.ts';
import { consistencyProof, inclusionProof } from '#ledger/proofs.ts';
import { receiptText, verifyReceipt } from '#ledger/receipt.ts';
import type { Checkpoint } from '#ledger/seal.ts';
import { parseVkey } from '#ledger/signed-note.ts';
import { readHashes, recordsIn, tileBytes, tilePath, widthIn } from '#ledger/tiles.ts';
import { dynamoDb, keyManagement, objectStore } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { readEnvironment } from '#platform/environment.ts';
import { LedgerIntegrityError, NotFoundError } from '#platform/errors.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({
  SEALS_TABLE: z.string(),
  TILES_BUCKET: z.string(),
  SIGNING_KEY_ARN: z.string(),
  LEDGER_ORIGIN: z.string(),
});

const seals = dynamoDbCheckpoints(dynamoDb(), environment.SEALS_TABLE);
const objects = objectStore();
const readTile = s3TileReader(objects, environment.TILES_BUCKET);
const readBundle = s3BundleReader(objects, environment.TILES_BUCKET);
const keys = keyManagement();

let known: Promise<string> | undefined;
const vkey = (): Promise<string> => {
  known ??= kmsVkey(keys, environment.SIGNING_KEY_ARN, environment.LEDGER_ORIGIN);
  known.catch(() => {
    known = undefined;
  });
  return known;
};

const unproven = (text: string): LedgerIntegrityError =>
  new LedgerIntegrityError(`${text}; see the runbook, "LedgerVerificationFailed"`);

const isSize = (position: string): boolean => /^\d{1,15}$/.test(position);
const shown = ({ size, sealedAt, note }: Checkpoint) => ({ size, sealedAt, note });

/** The newest checkpoint, when it covers this many records. */
const covering = async (size: number): Promise<Checkpoint> => {
  const newest = await seals.lastCheckpoint();
  if (newest !== undefined && newest.size >= size) return newest;
  throw new NotFoundError(
    `no checkpoint covers record ${size - 1}: a new record is signed within about a minute, and there may be none of this number`,
  );
};

/** A record's canonical text, from its bundle. */
const canonicalOf = async (index: number, size: number): Promise<string> => {
  const place = { level: 'entries', index: Math.floor(index / TILE_WIDTH) } as const;
  const bytes = await readBundle({ ...place, width: widthIn(place, size) });
  const canonical = bytes && recordsIn(bytes)?.[index % TILE_WIDTH];
  if (canonical === undefined)
    throw unproven(`record ${index} is signed, but not in its bundle of the tiles bucket`);
  return canonical;
};

/** Everything here can be computed from the bucket of tiles by anyone; this saves people the computing. */
export const handler = serveRoutes(proofRoutes)({
  listCheckpoints: async ({ query: { limit, cursor } }) => {
    const from = cursor === undefined ? 0 : Number(fromCursor(cursor, isSize));
    const [key, newest, found] = await Promise.all([
      vkey(),
      seals.lastCheckpoint(),
      seals.checkpointsFrom(from, limit + 1),
    ]);
    const next = found[limit];
    return {
      status: 200,
      body: {
        key,
        checkpoints: found.slice(0, limit).map(shown),
        ...(newest !== undefined && { newest: shown(newest) }),
        ...(next !== undefined && { next: toCursor(String(next.size)) }),
      },
    };
  },

  getConsistency: async ({ params: { size } }) => {
    const [older, newest] = await Promise.all([seals.checkpoint(size), seals.lastCheckpoint()]);
    if (older === undefined || newest === undefined)
      throw new NotFoundError(
        `there is no checkpoint of ${size} records; GET /v1/audit/checkpoints lists them`,
      );
    const hashes = await consistencyProof(readTile, older.size, newest.size);
    return {
      status: 200,
      body: {
        from: older.size,
        to: newest.size,
        hashes: hashes.map((hash) => Buffer.from(hash).toString('base64')),
        checkpoint: newest.note,
      },
    };
  },

  getProof: async ({ params: { index } }) => {
    const { size, note } = await covering(index + 1);
    const [key, proof, canonical] = await Promise.all([
      vkey(),
      inclusionProof(readTile, index, size),
      canonicalOf(index, size),
    ]);
    const receipt = receiptText({ index, proof, checkpoint: note });
    // A receipt that does not verify would be handed to an auditor: better to say here that something is wrong.
    const verdict = verifyReceipt(receipt, canonical, parseVkey(key));
    if (!verdict.ok) throw unproven(`record ${index} can't be proven: ${verdict.text}`);
    return { status: 200, body: { index, recordHash: verdict.recordHash, canonical, receipt } };
  },

  getTile: async ({ params: { level, index }, query }) => {
    const width = query.width ?? widthIn({ level, index }, (await seals.lastCheckpoint())?.size ?? 0);
    const tile = { level, index, width };
    const hashes = width === 0 ? [] : await readHashes(readTile, tile);
    if (hashes.length === 0 || hashes.length < width)
      throw new NotFoundError(
        `the tree has no ${tilePath(tile)}; GET /v1/audit/checkpoints says how large it is`,
      );
    return {
      status: 200,
      body: { path: tilePath(tile), hashes: Buffer.from(tileBytes(hashes)).toString('base64') },
    };
  },
});
