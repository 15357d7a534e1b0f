import { createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { canonicalJson, canonicalRecord } from '../functions/ledger/canonical.ts';
import { TILE_WIDTH } from '../functions/ledger/merkle.ts';
import { proofRoutes } from '../functions/ledger/proof-routes.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import { auditRoutes } from '../functions/ledger/routes.ts';
import { bundleBytes, edgeOf, type Tile, tilePath } from '../functions/ledger/tiles.ts';
import type { ApiClient } from './api-client.ts';
import { exportedRecords, unfinishedRecords } from './export-files.ts';
import { Failure, systemFailure } from './failure.ts';

/** What was written, for people to keep: the newest checkpoint is what a later export is compared with. */
export interface Exported {
  readonly records: number;
  readonly checkpoints: number;
  /** As the stack tells it: whoever verifies takes it from elsewhere. */
  readonly key: string;
  readonly newest: string | undefined;
}

const put = (directory: string, name: string, content: string | Uint8Array): void => {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw systemFailure(error, file);
  }
};

/** The records below number `end`, oldest first, page by page. */
async function* recordsOf(api: ApiClient, end: number): AsyncGenerator<LedgerRecord> {
  let cursor: string | undefined;
  do {
    const query = { limit: 256, ...(cursor !== undefined && { cursor }) };
    const page: { records: readonly LedgerRecord[]; next?: string | undefined } = await api.call(
      auditRoutes.listRecords,
      { query },
    );
    for (const record of page.records) {
      if (record.seq >= end) return;
      yield record;
    }
    cursor = page.next;
  } while (cursor !== undefined);
}

/** The checkpoints up to the one of `end` records, each a file named by its size. */
const exportCheckpoints = async (api: ApiClient, directory: string, end: number): Promise<number> => {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page: Awaited<ReturnType<typeof checkpointPage>> = await checkpointPage(api, cursor);
    for (const { size, note } of page.checkpoints)
      if (size <= end) {
        put(directory, `checkpoints/${size}`, note);
        count += 1;
      }
    cursor = page.next;
  } while (cursor !== undefined);
  return count;
};

const checkpointPage = (api: ApiClient, cursor?: string) =>
  api.call(proofRoutes.listCheckpoints, { query: { limit: 1_000, ...(cursor !== undefined && { cursor }) } });

/** The records, a canonical line each, and in bundles for the tools of others. */
const exportRecords = async (api: ApiClient, directory: string, end: number): Promise<number> => {
  let bundle: string[] = [];
  let count = 0;
  const flush = () => {
    const index = Math.ceil(count / TILE_WIDTH) - 1;
    put(directory, tilePath({ level: 'entries', index, width: bundle.length }), bundleBytes(bundle));
    bundle = [];
  };
  async function* lines(): AsyncGenerator<string> {
    for await (const record of recordsOf(api, end)) {
      const { verification: _, ...stored } = record as LedgerRecord & { readonly verification?: unknown };
      yield `${canonicalJson(stored)}\n`;
      bundle.push(canonicalRecord(stored));
      count += 1;
      if (bundle.length === TILE_WIDTH) flush();
    }
    if (bundle.length > 0) flush();
  }
  const file = unfinishedRecords(directory);
  await pipeline(lines, createWriteStream(file, { flush: true })).catch((error: unknown) => {
    throw systemFailure(error, file);
  });
  return count;
};

/** The tiles of the tree of `size`, as they are in the stack's bucket. */
const exportTiles = async (api: ApiClient, directory: string, size: number): Promise<void> => {
  for (const { level, index, width } of edgeOf(size)) {
    const tiles: Tile[] = Array.from({ length: index }, (_, at) => ({ level, index: at, width: TILE_WIDTH }));
    if (width > 0) tiles.push({ level, index, width });
    for (const tile of tiles) {
      const { hashes } = await api.call(proofRoutes.getTile, {
        params: { level: String(level), index: String(tile.index) },
        query: { width: tile.width },
      });
      put(directory, tilePath(tile), Buffer.from(hashes, 'base64'));
    }
  }
};

/**
 * Writes the ledger as it was at its newest checkpoint, so that every record of the export is signed: `records.jsonl`,
 * `checkpoints/`, and under `tile/` the tree and the records again in the layout that tlog-tiles clients read. The records
 * get their name last: without it, nobody takes what is there for an export.
 */
export const exportLedger = async (api: ApiClient, directory: string): Promise<Exported> => {
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new Failure(2, `${directory} is not empty: give a new directory, or remove what is there`);
  mkdirSync(directory, { recursive: true });
  const { key, newest } = await api.call(proofRoutes.listCheckpoints, { query: { limit: 1 } });
  const size = newest?.size ?? 0;
  const records = await exportRecords(api, directory, size);
  const checkpoints = await exportCheckpoints(api, directory, size);
  await exportTiles(api, directory, size);
  renameSync(unfinishedRecords(directory), exportedRecords(directory));
  return { records, checkpoints, key, newest: newest?.note };
};
