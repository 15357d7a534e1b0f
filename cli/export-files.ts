import { existsSync, opendirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ReadTile, type Tile, tileOf, tilePath, widthIn } from '../functions/ledger/tiles.ts';
import type { FoundCheckpoint, Published } from '../functions/ledger/tree-witness.ts';
import { Failure } from './failure.ts';

export const exportedRecords = (directory: string): string => path.join(directory, 'records.jsonl');

/** What they are called until everything else is there. */
export const unfinishedRecords = (directory: string): string => `${exportedRecords(directory)}.part`;

const readIfThere = (file: string): Buffer | undefined => (existsSync(file) ? readFileSync(file) : undefined);

/** By size; a name that is no number comes last, as a checkpoint of nothing that there is. */
function* checkpointsIn(directory: string, names: readonly string[]): Generator<FoundCheckpoint> {
  for (const name of names)
    yield {
      name: `checkpoints/${name}`,
      size: sizeOf(name),
      note: readFileSync(path.join(directory, name), 'utf8'),
    };
}

const sizeOf = (name: string): number =>
  /^(0|[1-9]\d{0,14})$/.test(name) ? Number(name) : Number.MAX_SAFE_INTEGER;

/** Every file under `tile/`, by its path from the export's directory. */
function* filesUnder(directory: string, under: string): Generator<string> {
  const opened = opendirSync(path.join(directory, under));
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      const name = `${under}/${entry.name}`;
      if (entry.isDirectory()) yield* filesUnder(directory, name);
      else yield name;
    }
  } finally {
    opened.closeSync();
  }
}

/** An export's directory, as `audit export` writes it. */
export interface ExportFiles {
  readonly records: string;
  readonly published: Published;
  /** The first file under `tile/` that is no part of the tree that the records make. */
  strayTile(): { readonly path: string; readonly tile: Tile | undefined } | undefined;
}

/** @throws Failure when there is no export. */
export const openExport = (directory: string): ExportFiles => {
  const records = exportedRecords(directory);
  if (existsSync(unfinishedRecords(directory)))
    throw new Failure(2, `the export into ${directory} was cut off: export again, into another directory`);
  if (!existsSync(records))
    throw new Failure(2, `there is no ${records}: give the directory of an export, with records.jsonl in it`);
  const checkpoints = path.join(directory, 'checkpoints');
  const names = existsSync(checkpoints)
    ? readdirSync(checkpoints).toSorted((a, b) => sizeOf(a) - sizeOf(b))
    : [];
  const tiledSize = names.map(sizeOf).findLast((size) => size < Number.MAX_SAFE_INTEGER) ?? 0;
  const hasTiles = existsSync(path.join(directory, 'tile'));
  const hasBundles = existsSync(path.join(directory, 'tile', 'entries'));
  const read: ReadTile = async (tile) => readIfThere(path.join(directory, tilePath(tile)));
  return {
    records,
    published: {
      checkpoints: checkpointsIn(checkpoints, names),
      tiledSize,
      ...(hasTiles && { tiles: read }),
      ...(hasBundles && { bundles: read }),
    },
    strayTile: () => {
      if (!hasTiles) return undefined;
      for (const file of filesUnder(directory, 'tile')) {
        const tile = tileOf(file);
        if (tile === undefined || widthIn(tile, tiledSize) !== tile.width) return { path: file, tile };
      }
      return undefined;
    },
  };
};
