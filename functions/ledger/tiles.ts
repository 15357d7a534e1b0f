import { HASH_BYTES, type Hash, hashesIn, MerkleTree, TILE_WIDTH } from '#ledger/merkle.ts';

/**
 * A tile of the tree, or with level `entries` a bundle of the records themselves, by C2SP tlog-tiles. `width` is 256
 * for a full one and less for the one at the right edge.
 */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** 1234067 is `x001/x234/067`: no directory has more than a thousand names. */
const indexPath = (index: number): string => {
  const digits = String(index);
  const groups = digits.padStart(3 * Math.ceil(digits.length / 3), '0').match(/\d{3}/g) ?? [];
  return groups.map((group, place) => (place < groups.length - 1 ? `x${group}` : group)).join('/');
};

export const tilePath = ({ level, index, width }: Tile): string =>
  `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;

/** What all partial tiles of a place begin with. */
export const partialPrefix = ({ level, index }: Omit<Tile, 'width'>): string =>
  `tile/${level}/${indexPath(index)}.p/`;

const PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The tile that a path names; `undefined` when it names none. */
export const tileOf = (path: string): Tile | undefined => {
  const [, level, index, width = String(TILE_WIDTH)] = PATH.exec(path) ?? [];
  if (level === undefined || index === undefined) return undefined;
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replaceAll(/\D/g, '')),
    width: Number(width),
  };
  return tilePath(tile) === path ? tile : undefined;
};

/** Records under one hash of a level. */
export const spanOf = (level: Tile['level']): number => (level === 'entries' ? 1 : TILE_WIDTH ** level);

/** The number of the first record that a tile tells of. */
export const firstRecordOf = ({ level, index }: Omit<Tile, 'width'>): number =>
  index * TILE_WIDTH * spanOf(level);

/** How many hashes the tile at this place has in a tree of `size` records; 0 where there is none. */
export const widthIn = ({ level, index }: Omit<Tile, 'width'>, size: number): number => {
  const hashes = Math.floor(size / spanOf(level)) - index * TILE_WIDTH;
  return Math.min(Math.max(hashes, 0), TILE_WIDTH);
};

/** The tiles at the right edge of a tree of `size`, lowest first; a level that ends with a full tile has width 0. */
export const edgeOf = (size: number): readonly (Tile & { readonly level: number })[] => {
  const edge: (Tile & { readonly level: number })[] = [];
  for (let level = 0; TILE_WIDTH ** level <= size; level += 1) {
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    edge.push({ level, index, width: widthIn({ level, index }, size) });
  }
  return edge;
};

export const tileBytes = (hashes: readonly Hash[]): Uint8Array =>
  Buffer.concat(hashes, HASH_BYTES * hashes.length);

/** Gives a tile's bytes; `undefined` when there is none. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array | undefined>;

/**
 * The hashes of a tile; fewer than its width when it is missing or cut off. A partial one may have been removed once its
 * place was full, and the full one says all that it did.
 */
export const readHashes = async (read: ReadTile, tile: Tile): Promise<readonly Hash[]> => {
  const bytes = (await read(tile)) ?? (await read({ ...tile, width: TILE_WIDTH })) ?? new Uint8Array();
  return hashesIn(bytes).slice(0, tile.width);
};

/** The tree of `size` leaves, from the tiles at its edge, taken as they are: compare its root with one that is known. */
export const treeAt = async (read: ReadTile, size: number): Promise<MerkleTree> => {
  const edge: (readonly Hash[])[] = [];
  for (const tile of edgeOf(size)) edge.push(tile.width === 0 ? [] : await readHashes(read, tile));
  return MerkleTree.fromEdge(size, edge);
};

/** How long the bundle of these records is: a length of two bytes before each. */
export const bundleLength = (canonicals: readonly string[]): number =>
  canonicals.reduce((sum, canonical) => sum + 2 + Buffer.byteLength(canonical, 'utf8'), 0);

/** An entry bundle: each record's canonical bytes behind a big-endian uint16 of their length. */
export const bundleBytes = (canonicals: readonly string[]): Uint8Array => {
  const lengths = canonicals.map((canonical) => Buffer.byteLength(canonical, 'utf8'));
  const bytes = Buffer.alloc(bundleLength(canonicals));
  let position = 0;
  for (const [index, canonical] of canonicals.entries()) {
    position = bytes.writeUInt16BE(lengths[index] ?? 0, position);
    position += bytes.write(canonical, position, 'utf8');
  }
  return bytes;
};

const encoder = new TextEncoder();
const scratch = Buffer.alloc(0xffff);

/** Whether these bytes are the bundle of these records, without making it: verifying makes none of the millions. */
export const isBundleOf = (bytes: Uint8Array, canonicals: readonly string[]): boolean => {
  let position = 0;
  for (const canonical of canonicals) {
    const { read, written } = encoder.encodeInto(canonical, scratch);
    const start = position + 2;
    const isHere =
      read === canonical.length &&
      start + written <= bytes.length &&
      bytes[position] === written >> 8 &&
      bytes[position + 1] === (written & 0xff) &&
      scratch.compare(bytes, start, start + written, 0, written) === 0;
    if (!isHere) return false;
    position = start + written;
  }
  return position === bytes.length;
};

/** The records of a bundle; `undefined` when the bytes end in the middle of one. */
export const recordsIn = (bytes: Uint8Array): readonly string[] | undefined => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: string[] = [];
  let position = 0;
  while (position < buffer.length) {
    if (position + 2 > buffer.length) return undefined;
    const end = position + 2 + buffer.readUInt16BE(position);
    if (end > buffer.length) return undefined;
    records.push(buffer.toString('utf8', position + 2, end));
    position = end;
  }
  return records;
};
