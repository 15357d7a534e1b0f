import { GENESIS_HASH, type LedgerHead } from '#ledger/chain.ts';
import { checkpointText, openCheckpoint } from '#ledger/checkpoint.ts';
import { readStoredRecord, type StoredRecord } from '#ledger/export-line.ts';
import { BUNDLE_SIZE, bundleOf } from '#ledger/keys.ts';
import { type Hash, MerkleTree, sameHash } from '#ledger/merkle.ts';
import { signedNote, type VerifierKey } from '#ledger/signed-note.ts';
import { bundleBytes, edgeOf, type ReadTile, type Tile, tileBytes, treeAt } from '#ledger/tiles.ts';
import { LedgerIntegrityError } from '#platform/errors.ts';

/**
 * A tree that is about to be signed, or was. Seals are numbered and each grows the one before, so of two runs that seal
 * at the same time one comes too late, and no size is ever signed for two trees.
 */
export interface Seal {
  readonly n: number;
  /** 0 for the first. */
  readonly previousSize: number;
  readonly size: number;
  readonly root: Hash;
  /** Hash of the last record, which the next one links to. */
  readonly hash: string;
  readonly sealedAt: string;
}

/** A seal with its signature. */
export interface Checkpoint {
  readonly n: number;
  readonly size: number;
  readonly note: string;
  readonly sealedAt: string;
}

/** Reads are consistent; what is put stays as it is. */
export interface SealStore {
  lastSeal(): Promise<Seal | undefined>;
  lastCheckpoint(): Promise<Checkpoint | undefined>;
  /** False when there is a seal of this number already, this one or another. */
  putSeal(seal: Seal): Promise<boolean>;
  /** The same checkpoint again changes nothing. */
  putCheckpoint(checkpoint: Checkpoint): Promise<void>;
}

export interface TileStore {
  readonly read: ReadTile;
  write(tile: Tile, bytes: Uint8Array): Promise<void>;
  /** The newest checkpoint, where any tlog-tiles client looks for it; `undefined` when none is there. */
  readCheckpoint(): Promise<string | undefined>;
  writeCheckpoint(note: string): Promise<void>;
  /** Removes the partial tiles of a place, now that the full one says all that they did. */
  prune(place: Omit<Tile, 'width'>): Promise<void>;
}

/** Where checkpoints can't be changed or removed. */
export interface CheckpointVault {
  keep(checkpoint: Checkpoint): Promise<void>;
}

export interface Signer {
  readonly key: VerifierKey;
  sign(text: string): Promise<Uint8Array>;
}

export interface SealPorts {
  readonly seals: SealStore;
  readonly tiles: TileStore;
  readonly vault: CheckpointVault;
  readonly signer: () => Promise<Signer>;
  /** Where the chain ends; consistent. */
  readonly head: () => Promise<LedgerHead>;
  /** The records of a bundle below number `end`, in order; consistent. */
  readonly bundle: (bundle: number, end: number) => Promise<readonly StoredRecord[]>;
  readonly now: () => Date;
}

/** `overtaken`: another run sealed first. `left`: how many records wait for the next run. */
export type SealOutcome =
  | { readonly outcome: 'nothing-new'; readonly size: number }
  | { readonly outcome: 'overtaken'; readonly size: number }
  | { readonly outcome: 'sealed'; readonly size: number; readonly records: number; readonly left: number };

/** What a run reads, hashes and writes well within its time; more waits for the next one. */
const SEAL_RECORDS_MAX = BUNDLE_SIZE * BUNDLE_SIZE;

const contradiction = (text: string): LedgerIntegrityError =>
  new LedgerIntegrityError(
    `${text}: nothing is signed before that is explained; see the runbook, "SealingLate"`,
  );

/** The sealed tree, from its tiles, if they make the root that was sealed. */
const sealedTree = async (tiles: TileStore, seal: Seal | undefined): Promise<MerkleTree> => {
  if (seal === undefined) return new MerkleTree();
  const tree = await treeAt(tiles.read, seal.size);
  if (sameHash(tree.root(), seal.root)) return tree;
  throw contradiction(`the tiles at the end of the sealed tree of ${seal.size} records do not make its root`);
};

interface Grown {
  readonly tree: MerkleTree;
  readonly hash: string;
  /** Places whose tile became full. */
  readonly full: readonly Omit<Tile, 'width'>[];
}

/** Adds the records up to `end` to the tree and writes every tile that changes by it. */
const grow = async (
  { tiles, bundle }: SealPorts,
  tree: MerkleTree,
  previousHash: string,
  end: number,
): Promise<Grown> => {
  const sealed = tree.size;
  const full: Omit<Tile, 'width'>[] = [];
  let hash = previousHash;
  for (let index = bundleOf(sealed); index * BUNDLE_SIZE < end; index += 1) {
    const known = tree.edge(0);
    const stored = await bundle(index, end);
    const writes: [Tile, Uint8Array][] = [];
    const canonicals: string[] = [];
    for (const [place, record] of stored.entries()) {
      const seq = index * BUNDLE_SIZE + place;
      const line = readStoredRecord(record);
      if (line.kind !== 'sound' || line.link.seq !== seq)
        throw contradiction(`what is stored as record ${record.seq} is not record ${seq} as it was written`);
      const leaf = Buffer.from(line.link.recordHash, 'hex');
      canonicals.push(line.canonical);
      if (seq < sealed) {
        const before = known[place];
        if (before === undefined || !sameHash(before, leaf))
          throw contradiction(`record ${seq} is not the one that was sealed`);
        continue;
      }
      if (line.link.prevHash !== hash)
        throw contradiction(`record ${seq} is not linked to the record before it`);
      hash = line.link.recordHash;
      tree.append(leaf, (level, at, hashes) => {
        full.push({ level, index: at });
        writes.push([{ level, index: at, width: BUNDLE_SIZE }, tileBytes(hashes)]);
      });
    }
    if (tree.size < Math.min(end, (index + 1) * BUNDLE_SIZE))
      throw contradiction(`record ${tree.size} is missing although the head says that there are ${end}`);
    writes.push([{ level: 'entries', index, width: canonicals.length }, bundleBytes(canonicals)]);
    if (canonicals.length === BUNDLE_SIZE) full.push({ level: 'entries', index });
    await Promise.all(writes.map(([tile, bytes]) => tiles.write(tile, bytes)));
  }
  const edge = edgeOf(end).filter(({ width }) => width > 0);
  await Promise.all(edge.map((tile) => tiles.write(tile, tileBytes(tree.edge(tile.level)))));
  return { tree, hash, full };
};

/** Signs a seal and lays the checkpoint down, in an order in which a crash leaves nothing but work for the next run. */
const finish = async ({ signer, vault, seals, tiles }: SealPorts, seal: Seal): Promise<void> => {
  const { key, sign } = await signer();
  const text = checkpointText(key.name, seal);
  const note = signedNote(text, key, await sign(text));
  const opened = openCheckpoint(note, key);
  if (!opened.ok) throw contradiction(`the signature of seal ${seal.n} does not verify (${opened.reason})`);
  const checkpoint = { n: seal.n, size: seal.size, note, sealedAt: seal.sealedAt };
  await vault.keep(checkpoint);
  await seals.putCheckpoint(checkpoint);
  await tiles.writeCheckpoint(note);
  // A run that was slow here must not leave an older checkpoint where a faster one had put its newer.
  const newest = await seals.lastCheckpoint();
  if (newest !== undefined && newest.n > seal.n) await tiles.writeCheckpoint(newest.note);
};

/** What a run left that ended between keeping a checkpoint and publishing it, or was overtaken while it published. */
const publishNewest = async ({ seals, tiles }: SealPorts): Promise<void> => {
  // The object first: what another run publishes after that is at worst written again, not replaced by what was read before.
  const published = await tiles.readCheckpoint();
  const newest = await seals.lastCheckpoint();
  if (newest !== undefined && newest.note !== published) await tiles.writeCheckpoint(newest.note);
};

/**
 * Signs the ledger as it is now: at most one seal a call, none when nothing is new.
 *
 * Tiles first, which nobody believes without a checkpoint; then the seal, on the condition that its number is free; then
 * the signature. So a tree is signed only after it is the only one of its size, and whatever a crash leaves undone is
 * done by the next call: tiles are written again the same, a seal without its checkpoint is signed, a checkpoint that was
 * not published is, and Ed25519 gives the same signature for the same text.
 * @throws LedgerIntegrityError when the records are not those that were sealed, or fewer than were sealed.
 */
export const sealLedger = async (ports: SealPorts, most: number = SEAL_RECORDS_MAX): Promise<SealOutcome> => {
  const { seals, tiles, head, now } = ports;
  const last = await seals.lastSeal();
  if (last !== undefined && ((await seals.lastCheckpoint())?.n ?? -1) < last.n) await finish(ports, last);
  const { size, hash } = await head();
  const sealed = last?.size ?? 0;
  if (size < sealed)
    throw contradiction(
      `${sealed} records were sealed and the ledger has ${size}: it was restored from a backup, or cut off`,
    );
  if (size === sealed) {
    if (last !== undefined && last.hash !== hash)
      throw contradiction(`the last of the ${size} records is not the one that was sealed`);
    await publishNewest(ports);
    return { outcome: 'nothing-new', size };
  }
  const end = Math.min(size, sealed + most);
  const tree = await sealedTree(tiles, last);
  const grown = await grow(ports, tree, last?.hash ?? GENESIS_HASH, end);
  if (end === size && grown.hash !== hash)
    throw contradiction(`the last of the ${size} records is not the one that the head names`);
  const seal: Seal = {
    n: (last?.n ?? -1) + 1,
    previousSize: sealed,
    size: end,
    root: grown.tree.root(),
    hash: grown.hash,
    sealedAt: now().toISOString(),
  };
  if (!(await seals.putSeal(seal))) return { outcome: 'overtaken', size: sealed };
  await finish(ports, seal);
  for (const place of grown.full) await tiles.prune(place);
  return { outcome: 'sealed', size: end, records: end - sealed, left: size - end };
};
