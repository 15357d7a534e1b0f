import { completeRoot, type Hash, nodeHash, sameHash, TILE_WIDTH } from '#ledger/merkle.ts';
import { type ReadTile, readHashes, type Tile, widthIn } from '#ledger/tiles.ts';
import { LedgerIntegrityError } from '#platform/errors.ts';

/** The largest power of two below `size`, where RFC 6962 divides a tree. */
const splitOf = (size: number): number => {
  let split = 1;
  while (2 * split < size) split *= 2;
  return split;
};

/** Hashes of the tree of `size` records, each tile read once. */
const treeReader = (read: ReadTile, size: number) => {
  const known = new Map<string, Promise<readonly Hash[]>>();

  const load = async (tile: Tile): Promise<readonly Hash[]> => {
    const hashes = await readHashes(read, tile);
    if (hashes.length === tile.width) return hashes;
    throw new LedgerIntegrityError(
      `tile ${tile.index} of level ${tile.level} is missing or too short; see the runbook, "LedgerVerificationFailed"`,
    );
  };

  const hashesOf = (level: number, index: number): Promise<readonly Hash[]> => {
    const key = `${level}/${index}`;
    const found = known.get(key) ?? load({ level, index, width: widthIn({ level, index }, size) });
    known.set(key, found);
    return found;
  };

  /** The root over the records from `start` on, `count` of them: a power of two that divides `start`. */
  const complete = async (start: number, count: number): Promise<Hash> => {
    let level = 0;
    while (TILE_WIDTH ** (level + 1) <= count) level += 1;
    const span = TILE_WIDTH ** level;
    const first = start / span;
    const hashes = await hashesOf(level, Math.floor(first / TILE_WIDTH));
    const from = first % TILE_WIDTH;
    return completeRoot(hashes.slice(from, from + count / span));
  };

  /** MTH(D[start:end]) of RFC 6962 section 2.1, for the ranges that its divisions make. */
  const range = async (start: number, end: number): Promise<Hash> => {
    const count = end - start;
    const split = splitOf(count);
    if (count === 1 || 2 * split === count) return complete(start, count);
    return nodeHash(await complete(start, split), await range(start + split, end));
  };

  return { range };
};

/** The siblings of a record's hash on its way to the root of the tree of `size`, lowest first: PATH of RFC 6962. */
export const inclusionProof = async (read: ReadTile, index: number, size: number): Promise<Hash[]> => {
  if (index >= size) throw new RangeError(`record ${index} is not among ${size}`);
  const { range } = treeReader(read, size);
  const proof: Hash[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      proof.unshift(await range(middle, end));
      end = middle;
    } else {
      proof.unshift(await range(start, middle));
      start = middle;
    }
  }
  return proof;
};

/** What shows that the tree of `to` records begins with the tree of `from`: PROOF of RFC 6962 section 2.1.2. */
export const consistencyProof = async (read: ReadTile, from: number, to: number): Promise<Hash[]> => {
  if (from > to) throw new RangeError(`${from} records do not begin with ${to}`);
  if (from === 0 || from === to) return [];
  const { range } = treeReader(read, to);
  const proof: Hash[] = [];
  let [start, end] = [0, to];
  // Whether the part that is left of the older tree is the older tree itself, whose root the verifier has.
  let whole = true;
  while (end !== from) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      proof.unshift(await range(middle, end));
      end = middle;
    } else {
      proof.unshift(await range(start, middle));
      start = middle;
      whole = false;
    }
  }
  if (!whole) proof.unshift(await range(start, end));
  return proof;
};

/**
 * The root that a leaf and its inclusion proof lead to (RFC 9162 section 2.1.3.2); `undefined` when the proof has not
 * as many hashes as such a proof has.
 */
export const rootByInclusion = (
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
): Hash | undefined => {
  if (index >= size) return undefined;
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else root = nodeHash(root, sibling);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
};

/** Whether the proof shows that the newer tree begins with the older one (RFC 9162 section 2.1.4.2). */
export const isConsistent = (
  older: { readonly size: number; readonly root: Hash },
  newer: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): boolean => {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && sameHash(older.root, newer.root);
  if (older.size === 0) return proof.length === 0;
  let [node, last] = [older.size - 1, newer.size - 1];
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  const [first, ...rest] = node === 0 ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let [olderRoot, newerRoot] = [first, first];
  for (const hash of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      olderRoot = nodeHash(hash, olderRoot);
      newerRoot = nodeHash(hash, newerRoot);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else newerRoot = nodeHash(newerRoot, hash);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && sameHash(olderRoot, older.root) && sameHash(newerRoot, newer.root);
};
