import { HASH_BYTES, type Hash, hashesIn, sameHash } from '#ledger/merkle.ts';
import {
  bundleLength,
  firstRecordOf,
  isBundleOf,
  recordsIn,
  spanOf,
  type Tile,
  tileBytes,
  tilePath,
} from '#ledger/tiles.ts';
import { type Broken, broken } from '#ledger/verify-chain.ts';

/** A tile that is not what the records make of it: told when it is known that the records are right. */
export interface WrongTile {
  readonly seq: number;
  readonly told: Broken;
}

const contentOf = (tile: Tile): string => (tile.level === 'entries' ? 'records' : 'hashes');

/** The first place at which two rows differ; the length of the shorter one when it is the beginning of the other. */
export const firstDifference = <T>(
  a: readonly T[],
  b: readonly T[],
  same: (a: T, b: T) => boolean,
): number => {
  const length = Math.min(a.length, b.length);
  for (let place = 0; place < length; place += 1) if (!same(a[place] as T, b[place] as T)) return place;
  return length;
};

/** Hashes for a tile of the tree, records' texts for a bundle. */
type Content = readonly Hash[] | readonly string[];

const isOf = (tile: Tile, bytes: Uint8Array, content: Content): boolean =>
  tile.level === 'entries'
    ? isBundleOf(bytes, content as readonly string[])
    : sameHash(bytes, tileBytes(content as readonly Hash[]));

const lengthOf = (tile: Tile, content: Content): number =>
  tile.level === 'entries' ? bundleLength(content as readonly string[]) : HASH_BYTES * content.length;

/** What is wrong with a tile, if anything. */
export const compareTile = (
  tile: Tile,
  expected: Content,
  found: Uint8Array | undefined,
): WrongTile | undefined => {
  const first = firstRecordOf(tile);
  const path = tilePath(tile);
  const wrong = (fault: Broken['fault'], seq: number, text: string): WrongTile => ({
    seq,
    told: broken(fault, seq, text),
  });
  if (found === undefined) return wrong('removed', first, `${path} is missing; the records in it are sound`);
  if (isOf(tile, found, expected)) return undefined;
  const content: readonly (Hash | string)[] =
    tile.level === 'entries' ? (recordsIn(found) ?? []) : hashesIn(found);
  const place = firstDifference(content, expected, (a, b) =>
    typeof a === 'string' || typeof b === 'string' ? a === b : sameHash(a, b),
  );
  const seq = first + place * spanOf(tile.level);
  if (place === content.length && found.length < lengthOf(tile, expected))
    return wrong('truncated', seq, `${path} ends before the ${contentOf(tile)} from record ${seq} on`);
  if (place === expected.length)
    return wrong('inconsistent', first, `${path} holds more than its ${expected.length} ${contentOf(tile)}`);
  return wrong(
    'inconsistent',
    seq,
    `${path} was changed: it does not hold what the signed records from ${seq} on make`,
  );
};
