import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EMPTY_LEDGER, type LedgerHead, type LinkedRecord, linkRecords } from '#ledger/chain.ts';
import { checkpointText } from '#ledger/checkpoint.ts';
import { exportLineOf } from '#ledger/export-line.ts';
import { MerkleTree, TILE_WIDTH } from '#ledger/merkle.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { parseVkey, signedNote, type VerifierKey, vkeyOf } from '#ledger/signed-note.ts';
import { bundleBytes, edgeOf, tileBytes, tilePath } from '#ledger/tiles.ts';
import { systemActor } from '#platform/actor.ts';

/** As many as a busy minute has, so that there is a checkpoint for each. */
const BATCH = 1_000;

/** Ids need not differ: numbers do. */
export const A_ULID = '01JGXQ00000000000000000000';

export const aDraft = (n: number): RecordDraft => ({
  event: { type: 'release.shift.done', timestamp: '2026-01-05T10:00:10.000Z' },
  change: { service: 'checkout', environment: 'production' },
  actor: systemActor('sluice'),
  data: {
    n,
    weightPercent: 25,
    from: '41',
    to: '42',
    digest: createHash('sha256').update(String(n)).digest('hex'),
  },
});

/** `size` records of one chain, a batch at a time. */
export function* linked(size: number): Generator<readonly LinkedRecord[]> {
  let head: LedgerHead = EMPTY_LEDGER;
  while (head.size < size) {
    const { size: from } = head;
    const drafts = Array.from({ length: Math.min(BATCH, size - from) }, (_, n) => aDraft(from + n));
    const made = linkRecords(head, drafts, {
      newSalt: () => 'AAAAAAAAAAAAAAAAAAAAAA',
      ids: drafts.map(() => A_ULID),
    });
    yield made.records;
    head = made.head;
  }
}

/** A log's key, with the half that a log of ours never has in its hands. */
export const aKey = (): {
  readonly key: VerifierKey;
  readonly vkey: string;
  readonly privateKey: KeyObject;
} => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const vkey = vkeyOf('bench/ledger', Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
  return { key: parseVkey(vkey), vkey, privateKey };
};

export interface WrittenExport {
  readonly bytes: number;
  readonly checkpoints: number;
  /** The newest checkpoint. */
  readonly note: string;
}

/** Writes an export of `size` records as `audit export` does, in memory that does not grow with it. */
export const writeExport = async (
  directory: string,
  size: number,
  { key, privateKey }: ReturnType<typeof aKey>,
): Promise<WrittenExport> => {
  const put = (name: string, content: string | Uint8Array): void => {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  mkdirSync(directory, { recursive: true });
  const lines = createWriteStream(path.join(directory, 'records.jsonl'));
  const tree = new MerkleTree();
  let bundle: string[] = [];
  let [bytes, checkpoints, note] = [0, 0, ''];
  const flush = (): void => {
    const index = Math.ceil(tree.size / TILE_WIDTH) - 1;
    put(tilePath({ level: 'entries', index, width: bundle.length }), bundleBytes(bundle));
    bundle = [];
  };
  for (const batch of linked(size)) {
    for (const { record, canonical } of batch) {
      const line = `${exportLineOf({ ...record, canonical })}\n`;
      bytes += Buffer.byteLength(line);
      if (!lines.write(line)) await once(lines, 'drain');
      bundle.push(canonical);
      tree.append(Buffer.from(record.recordHash, 'hex'), (level, index, hashes) =>
        put(tilePath({ level, index, width: TILE_WIDTH }), tileBytes(hashes)),
      );
      if (bundle.length === TILE_WIDTH) flush();
    }
    const text = checkpointText(key.name, { size: tree.size, root: tree.root() });
    note = signedNote(text, key, sign(null, Buffer.from(text), privateKey));
    put(`checkpoints/${tree.size}`, note);
    checkpoints += 1;
  }
  if (bundle.length > 0) flush();
  for (const tile of edgeOf(size)) if (tile.width > 0) put(tilePath(tile), tileBytes(tree.edge(tile.level)));
  lines.end();
  await once(lines, 'finish');
  return { bytes, checkpoints, note };
};
