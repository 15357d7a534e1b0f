import { generateKeyPairSync, sign } from 'node:crypto';
import { EMPTY_LEDGER, type LedgerHead, linkRecords } from '#ledger/chain.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import { BUNDLE_SIZE } from '#ledger/keys.ts';
import type { Checkpoint, Seal, SealPorts, Signer } from '#ledger/seal.ts';
import { parseVkey, vkeyOf } from '#ledger/signed-note.ts';
import { partialPrefix, tilePath } from '#ledger/tiles.ts';
import { aDraft, aSalt } from '../ledger/drafts.ts';

export const ORIGIN = 'sluice.test/ledger';

/** A key of a log, as KMS keeps it. */
export const aSigner = (origin = ORIGIN): Signer & { readonly vkey: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const vkey = vkeyOf(origin, Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
  return {
    vkey,
    key: parseVkey(vkey),
    sign: async (text) => sign(null, Buffer.from(text, 'utf8'), privateKey),
  };
};

/** `count` records that follow on a head, as append-records stores them. */
export const storedRecords = (
  count: number,
  from: LedgerHead = EMPTY_LEDGER,
  facts: (n: number) => Readonly<Record<string, unknown>> = (n) => ({ n }),
): { readonly records: readonly StoredRecord[]; readonly head: LedgerHead } => {
  const drafts = Array.from({ length: count }, (_, n) => aDraft(facts(from.size + n)));
  const ids = drafts.map(() => '01JGXQ00000000000000000000');
  const { records, head } = linkRecords(from, drafts, { newSalt: aSalt, ids });
  return {
    head,
    records: records.map(({ record: { seq, recordHash }, canonical }) => ({ seq, recordHash, canonical })),
  };
};

/** Records of one chain, made as they are asked for: many a test needs the same ones. */
const common: { records: StoredRecord[]; head: LedgerHead } = { records: [], head: EMPTY_LEDGER };
const commonRecords = (from: number, to: number): readonly StoredRecord[] => {
  if (to > common.head.size) {
    const { records, head } = storedRecords(to - common.head.size, common.head);
    common.records.push(...records);
    common.head = head;
  }
  return common.records.slice(from, to);
};

/** The ledger's table, the seals and the buckets in memory, with what AWS promises of each and nothing more. */
export const memoryLog = (signer: Signer = aSigner()) => {
  const records: StoredRecord[] = [];
  /** Numbers of records that are no longer in the table. */
  const removed = new Set<number>();
  const seals: Seal[] = [];
  const checkpoints: Checkpoint[] = [];
  const vault = new Map<number, string>();
  const files = new Map<string, Uint8Array>();
  const signed: string[] = [];
  let head: LedgerHead = EMPTY_LEDGER;

  const newest = <T extends { readonly n: number }>(rows: readonly T[]): T | undefined =>
    rows.reduce<T | undefined>((best, row) => (best === undefined || row.n > best.n ? row : best), undefined);

  const ports: SealPorts = {
    seals: {
      lastSeal: async () => newest(seals),
      lastCheckpoint: async () => newest(checkpoints),
      putSeal: async (seal) => {
        if (seals.some(({ n }) => n === seal.n)) return false;
        seals.push(seal);
        return true;
      },
      putCheckpoint: async (checkpoint) => {
        if (!checkpoints.some(({ size }) => size === checkpoint.size)) checkpoints.push(checkpoint);
      },
    },
    tiles: {
      read: async (tile) => files.get(tilePath(tile)),
      write: async (tile, bytes) => void files.set(tilePath(tile), bytes),
      readCheckpoint: async () => files.get('checkpoint')?.toString(),
      writeCheckpoint: async (note) => void files.set('checkpoint', Buffer.from(note)),
      prune: async (place) => {
        for (const name of files.keys()) if (name.startsWith(partialPrefix(place))) files.delete(name);
      },
    },
    vault: {
      keep: async ({ size, note }) => {
        if (!vault.has(size)) vault.set(size, note);
      },
    },
    signer: async () => ({
      key: signer.key,
      sign: async (text) => {
        signed.push(text);
        return signer.sign(text);
      },
    }),
    head: async () => head,
    bundle: async (bundle, end) =>
      records
        .slice(bundle * BUNDLE_SIZE, Math.min(end, (bundle + 1) * BUNDLE_SIZE))
        .filter(({ seq }) => !removed.has(seq)),
    now: () => new Date('2026-01-05T10:00:00.000Z'),
  };

  return {
    ports,
    key: signer.key,
    records,
    removed,
    seals,
    checkpoints,
    vault,
    files,
    signed,
    append: (count: number): void => {
      records.push(...commonRecords(head.size, head.size + count));
      head = { size: head.size + count, hash: records.at(-1)?.recordHash ?? head.hash };
    },
    /** As somebody with other credentials would: the head goes its own way. */
    setHead: (to: LedgerHead): void => {
      head = to;
    },
  };
};
export type MemoryLog = ReturnType<typeof memoryLog>;
