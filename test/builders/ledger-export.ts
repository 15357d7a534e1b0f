import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson } from '#ledger/canonical.ts';
import { checkpointText } from '#ledger/checkpoint.ts';
import { exportLineOf, type StoredRecord } from '#ledger/export-line.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { MerkleTree, TILE_WIDTH } from '#ledger/merkle.ts';
import type { Signer } from '#ledger/seal.ts';
import { signedNote } from '#ledger/signed-note.ts';
import { bundleBytes, edgeOf, tileBytes, tilePath } from '#ledger/tiles.ts';
import type { Published } from '#ledger/tree-witness.ts';

/** An export as `audit export` writes it, in memory, for a test to spoil. */
export interface LedgerExport {
  readonly lines: readonly string[];
  /** Signed notes by the size that names their file. */
  readonly checkpoints: ReadonlyMap<number, string>;
  /** Tiles and bundles by their paths. */
  readonly tiles: ReadonlyMap<string, Uint8Array>;
}

export const noteOf = async (signer: Signer, size: number, root: Uint8Array): Promise<string> => {
  const text = checkpointText(signer.key.name, { size, root });
  return signedNote(text, signer.key, await signer.sign(text));
};

/** Checkpoints of a log of `size`: some on its way, and the last. */
const sizesOf = (size: number): readonly number[] =>
  [...new Set([1, 100, 255, 256, 300, Math.floor(size / 2), size])]
    .filter((at) => at > 0 && at <= size)
    .toSorted((a, b) => a - b);

/** The export of these records, signed at these sizes. */
export const exportOf = async (
  records: readonly StoredRecord[],
  signer: Signer,
  sizes: readonly number[] = sizesOf(records.length),
): Promise<LedgerExport> => {
  const tree = new MerkleTree();
  const tiles = new Map<string, Uint8Array>();
  const checkpoints = new Map<number, string>();
  for (const { recordHash } of records) {
    tree.append(Buffer.from(recordHash, 'hex'), (level, index, hashes) =>
      tiles.set(tilePath({ level, index, width: TILE_WIDTH }), tileBytes(hashes)),
    );
    if (sizes.includes(tree.size)) checkpoints.set(tree.size, await noteOf(signer, tree.size, tree.root()));
  }
  for (const tile of edgeOf(tree.size))
    if (tile.width > 0) tiles.set(tilePath(tile), tileBytes(tree.edge(tile.level)));
  for (let index = 0; index * TILE_WIDTH < records.length; index += 1) {
    const bundle = records.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
    tiles.set(
      tilePath({ level: 'entries', index, width: bundle.length }),
      bundleBytes(bundle.map(({ canonical }) => canonical)),
    );
  }
  return { lines: records.map(exportLineOf), checkpoints, tiles };
};

/** What there is to verify beside the lines. */
export const publishedOf = ({ checkpoints, tiles }: LedgerExport): Published => {
  const found = [...checkpoints].toSorted(([a], [b]) => a - b);
  const read: Published['tiles'] = async (tile) => tiles.get(tilePath(tile));
  return {
    checkpoints: found.map(([size, note]) => ({ name: `checkpoints/${size}`, size, note })),
    tiledSize: found.at(-1)?.[0] ?? 0,
    tiles: read,
    bundles: read,
  };
};

/** Writes it where the command finds it. */
export const writeExport = (directory: string, { lines, checkpoints, tiles }: LedgerExport): void => {
  rmSync(directory, { recursive: true, force: true });
  const files: (readonly [string, string | Uint8Array])[] = [
    ['records.jsonl', lines.map((line) => `${line}\n`).join('')],
    ...[...checkpoints].map(([size, note]) => [`checkpoints/${size}`, note] as const),
    ...tiles,
  ];
  for (const [name, content] of files) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
};

/** A stored record with other content and the hash of that, as a forger would make it. */
export const forgedRecord = (
  record: StoredRecord,
  change: (body: Record<string, unknown>) => Record<string, unknown>,
): StoredRecord => {
  const canonical = canonicalJson(change(JSON.parse(record.canonical)));
  return { ...record, canonical, recordHash: leafHash(canonical) };
};
