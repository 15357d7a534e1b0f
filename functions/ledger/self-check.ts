import { openCheckpoint } from '#ledger/checkpoint.ts';
import { exportLineOf, type StoredRecord } from '#ledger/export-line.ts';
import { BUNDLE_SIZE, bundleOf } from '#ledger/keys.ts';
import { sameHash } from '#ledger/merkle.ts';
import { inclusionProof, rootByInclusion } from '#ledger/proofs.ts';
import type { VerifierKey } from '#ledger/signed-note.ts';
import { type ReadTile, readHashes, tileBytes, treeAt } from '#ledger/tiles.ts';
import type { FoundCheckpoint } from '#ledger/tree-witness.ts';
import { type Broken, broken } from '#ledger/verify-chain.ts';
import { type LedgerVerdict, type VerifiedPart, verifyLedger } from '#ledger/verify-ledger.ts';

export interface SelfCheckPorts {
  readonly key: VerifierKey;
  /** Sizes of the checkpoints above this one, in order, `limit` of them at most. */
  readonly sizesAbove: (size: number, limit: number) => Promise<readonly number[]>;
  /** The checkpoint as it lies under lock; an empty note when it is not there. */
  readonly locked: (size: number) => Promise<FoundCheckpoint>;
  readonly bundle: (bundle: number, end: number) => Promise<readonly StoredRecord[]>;
  readonly tiles: ReadTile;
  readonly bundles: ReadTile;
}

/**
 * What one call checks, so that it ends in its time: more is for the next one. A checkpoint is an object that is read by
 * itself, in about 30 ms; where records are few, each of them may have one.
 */
const CHECK_MOST = { records: 100_000, checkpoints: 1_500 } as const;

export interface SelfCheck {
  readonly from: number;
  readonly verdict: LedgerVerdict;
  /** The newest checkpoint that was reached. */
  readonly reached: FoundCheckpoint | undefined;
  /** Whether there are signed records behind it. */
  readonly more: boolean;
}

/** The tree that a checkpoint signs, from its tiles, and the last record's hash: what an earlier check left verified. */
const partOf = async (
  { key, locked, bundle, tiles }: SelfCheckPorts,
  size: number,
): Promise<VerifiedPart | Broken> => {
  const found = await locked(size);
  const opened = openCheckpoint(found.note, key);
  if (!opened.ok || opened.head.size !== size)
    return broken(
      'bad-signature',
      size - 1,
      `${found.name} can't be trusted${opened.ok ? '' : `: ${opened.reason}`}`,
    );
  const tree = await treeAt(tiles, size);
  if (!sameHash(tree.root(), opened.head.root))
    return broken(
      'inconsistent',
      size - 1,
      `the tiles at the end of ${size} records do not make the signed root`,
    );
  const last = (await bundle(bundleOf(size - 1), size)).at(-1);
  const hash = last?.seq === size - 1 ? last.recordHash : '';
  const proof = await inclusionProof(tiles, size - 1, size);
  const root = rootByInclusion(Buffer.from(hash, 'hex'), size - 1, size, proof);
  return root !== undefined && sameHash(root, opened.head.root)
    ? { tree, hash }
    : broken('edited', size - 1, `record ${size - 1} is not the one that was signed`);
};

/** The records from one number to another as lines of an export, bundle by bundle. */
async function* linesOf(ports: SelfCheckPorts, from: number, end: number): AsyncGenerator<string> {
  for (let bundle = bundleOf(from); bundle * BUNDLE_SIZE < end; bundle += 1)
    for (const record of await ports.bundle(bundle, end)) if (record.seq >= from) yield exportLineOf(record);
}

/**
 * The stack's own verification of what it signed, with the code that anyone runs on an export: from a size that an earlier
 * call reached, or from 0, up to the newest checkpoint or as far as one call goes.
 */
export const checkLedger = async (
  ports: SelfCheckPorts,
  from: number,
  most: { readonly records: number; readonly checkpoints: number } = CHECK_MOST,
): Promise<SelfCheck> => {
  const sizes = await ports.sizesAbove(from, most.checkpoints + 1);
  const within = sizes.slice(0, most.checkpoints).filter((size) => size <= from + most.records);
  const chosen = within.length > 0 ? within : sizes.slice(0, 1);
  const part = from === 0 ? undefined : await partOf(ports, from);
  if (part !== undefined && 'ok' in part) return { from, verdict: part, reached: undefined, more: false };
  const found: FoundCheckpoint[] = [];
  for (const size of chosen) found.push(await ports.locked(size));
  const end = chosen.at(-1) ?? from;
  // A partial tile may have been removed once its place was full, and the full one says all that it did.
  const tiles: ReadTile = async (tile) => tileBytes(await readHashes(ports.tiles, tile));
  const published = { checkpoints: found, tiledSize: end, tiles, bundles: ports.bundles };
  const verdict = await verifyLedger(linesOf(ports, from, end), published, ports.key, { from: part });
  return { from, verdict, reached: found.at(-1), more: chosen.length < sizes.length };
};
