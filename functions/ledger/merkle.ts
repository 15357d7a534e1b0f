import { hash as digest } from 'node:crypto';

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;

/** Hashes of a full tile: the tree is cut into layers of eight (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Hash = digest('sha256', '', 'buffer');

const block = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

/** SHA-256(0x01 ‖ left ‖ right), an inner node (RFC 6962 section 2.1). */
export const nodeHash = (left: Hash, right: Hash): Hash => {
  block.set(left, 1);
  block.set(right, 1 + HASH_BYTES);
  // Node makes a string of a digest, a character a byte, three times as fast as a buffer.
  return Buffer.from(digest('sha256', block, 'binary'), 'latin1');
};

export const sameHash = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The hashes of a tile's bytes. */
export const hashesIn = (bytes: Uint8Array): readonly Hash[] =>
  Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, index) =>
    bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );

/** Told of each tile that becomes full: its level, its place in the level, its 256 hashes. */
export type TileSink = (level: number, index: number, hashes: readonly Hash[]) => void;

/**
 * A Merkle tree that grows by a leaf at a time. It keeps the right edge only, so its memory does not grow with it: of
 * each height the complete subtree that waits for its neighbour, and of each layer the tile that is not full yet.
 */
export class MerkleTree {
  private leaves = 0;
  private readonly waiting: (Hash | undefined)[] = [];
  private readonly tiles: Hash[][] = [];

  get size(): number {
    return this.leaves;
  }

  /** The hashes of the tile at the right edge of a layer; none when the tree ends with a full one. */
  edge(level: number): readonly Hash[] {
    return this.tiles[level] ?? [];
  }

  append(leaf: Hash, full?: TileSink): void {
    let node = leaf;
    for (let height = 0; ; height += 1) {
      if (height % TILE_HEIGHT === 0) this.place(height / TILE_HEIGHT, node, full);
      const left = this.waiting[height];
      if (left === undefined) {
        this.waiting[height] = node;
        break;
      }
      this.waiting[height] = undefined;
      node = nodeHash(left, node);
    }
    this.leaves += 1;
  }

  root(): Hash {
    let root: Hash | undefined;
    for (const subtree of this.waiting)
      if (subtree !== undefined) root = root === undefined ? subtree : nodeHash(subtree, root);
    return root ?? EMPTY_ROOT;
  }

  /** A tree of the same size that grows on its own. */
  clone(): MerkleTree {
    const copy = new MerkleTree();
    copy.leaves = this.leaves;
    copy.waiting.push(...this.waiting);
    copy.tiles.push(...this.tiles.map((hashes) => [...hashes]));
    return copy;
  }

  /**
   * The tree of `size` leaves whose right edge these tiles are, lowest first. They are taken as they are: compare the
   * root with one that is known.
   */
  static fromEdge(size: number, edge: readonly (readonly Hash[])[]): MerkleTree {
    const tree = new MerkleTree();
    tree.leaves = size;
    for (const [level, hashes] of edge.entries()) {
      tree.tiles[level] = [...hashes];
      for (const [bit, subtree] of subtreesOf(hashes).entries())
        tree.waiting[TILE_HEIGHT * level + bit] = subtree;
    }
    return tree;
  }

  private place(level: number, node: Hash, full: TileSink | undefined): void {
    const hashes = this.tiles[level] ?? [];
    hashes.push(node);
    this.tiles[level] = hashes;
    if (hashes.length < TILE_WIDTH) return;
    this.tiles[level] = [];
    full?.(level, Math.floor(this.leaves / TILE_WIDTH ** (level + 1)), hashes);
  }
}

/** The complete subtrees that `hashes` make, by height: 5 hashes are one of four and one of one. */
const subtreesOf = (hashes: readonly Hash[]): readonly (Hash | undefined)[] => {
  const subtrees: (Hash | undefined)[] = Array.from({ length: TILE_HEIGHT }, () => undefined);
  let end = hashes.length;
  for (let bit = 0; bit < TILE_HEIGHT; bit += 1) {
    const width = 2 ** bit;
    if (Math.floor(hashes.length / width) % 2 === 0) continue;
    subtrees[bit] = completeRoot(hashes.slice(end - width, end));
    end -= width;
  }
  return subtrees;
};

/** The root over a power of two of hashes. */
export const completeRoot = (hashes: readonly Hash[]): Hash => {
  let layer = hashes;
  while (layer.length > 1)
    layer = Array.from({ length: layer.length / 2 }, (_, pair) =>
      nodeHash(layer[2 * pair] as Hash, layer[2 * pair + 1] as Hash),
    );
  const [root] = layer;
  if (root === undefined) throw new RangeError('no hashes, no root');
  return root;
};
