import * as z from 'zod';
import { canonicalRecord } from '#ledger/canonical.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { TILE_WIDTH } from '#ledger/merkle.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { ledgerRecordSchema } from '#ledger/record.ts';
import { type ReadTile, readHashes, widthIn } from '#ledger/tiles.ts';

/**
 * What can be said of a record whenever it is read. `signed`: a checkpoint covers it, as it is read here. `checkpoint` is the
 * size of the newest one, if it covers the record's number: with `signed` false the record is another one than was signed.
 * It is the stack's own word; a receipt (GET /v1/audit/proofs/{index}) needs nobody's.
 */
export const verificationSchema = z.strictObject({
  signed: z.boolean(),
  /** Of the record's hash. */
  hashAlgorithm: z.literal('SHA-256'),
  /** Of the checkpoint. */
  signatureAlgorithm: z.literal('Ed25519'),
  checkpoint: z.int().min(1).optional(),
});

export const readRecordSchema = ledgerRecordSchema.extend({ verification: verificationSchema });
export type ReadRecord = z.infer<typeof readRecordSchema>;

const ALGORITHMS = { hashAlgorithm: 'SHA-256', signatureAlgorithm: 'Ed25519' } as const;

/** A record that has no canonical form is none that was ever signed. */
const leafOf = (record: LedgerRecord): string | undefined => {
  try {
    return leafHash(canonicalRecord(record));
  } catch {
    return undefined;
  }
};

/**
 * Says of each record whether the checkpoint of `size` records covers it: its hash, computed anew, is compared with the
 * tree's own. Each tile is read once.
 */
export const withVerification = async (
  records: readonly LedgerRecord[],
  size: number,
  read: ReadTile,
): Promise<ReadRecord[]> => {
  const covered = records.filter(({ seq }) => seq < size);
  const indexes = [...new Set(covered.map(({ seq }) => Math.floor(seq / TILE_WIDTH)))];
  const tiles = new Map(
    await Promise.all(
      indexes.map(async (index) => {
        const width = widthIn({ level: 0, index }, size);
        return [index, await readHashes(read, { level: 0, index, width })] as const;
      }),
    ),
  );
  return records.map((record) => {
    if (record.seq >= size) return { ...record, verification: { signed: false, ...ALGORITHMS } };
    const hash = tiles.get(Math.floor(record.seq / TILE_WIDTH))?.[record.seq % TILE_WIDTH];
    const signed = hash !== undefined && Buffer.from(hash).toString('hex') === leafOf(record);
    return { ...record, verification: { signed, ...ALGORITHMS, checkpoint: size } };
  });
};
