import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalRecord } from '#ledger/canonical.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { withVerification } from '#ledger/signed-records.ts';
import { type ReadTile, tileBytes } from '#ledger/tiles.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { aBatchId, aDraft } from './drafts.ts';

const ledger = memoryLedger();
const records = ledger.records;
let asked: string[] = [];

/** The tree's lowest level, as it was signed. */
const leaves: Uint8Array[] = [];
const read: ReadTile = async ({ level, index, width }) => {
  asked.push(`${level}/${index}`);
  const hashes = leaves.slice(index * 256, index * 256 + width);
  return hashes.length < width ? undefined : tileBytes(hashes);
};

beforeAll(async () => {
  for (let n = 0; n < 300; n += 1) await ledger.append(aBatchId(), [aDraft({ n })]);
  leaves.push(...records.map((record) => Buffer.from(leafHash(canonicalRecord(record)), 'hex')));
});

const at = (...numbers: readonly number[]): LedgerRecord[] =>
  numbers.map((number) => records[number] ?? expect.fail(`no record ${number}`));

const verified = async (page: readonly LedgerRecord[], size: number) => {
  asked = [];
  return (await withVerification(page, size, read)).map(({ seq, verification }) => [
    seq,
    verification.signed,
    verification.checkpoint,
  ]);
};

describe('a record as it is read', () => {
  it('is signed when the newest checkpoint covers it', async () => {
    expect(await verified(at(0, 255, 256, 279, 280, 299), 280)).toEqual([
      [0, true, 280],
      [255, true, 280],
      [256, true, 280],
      [279, true, 280],
      [280, false, undefined],
      [299, false, undefined],
    ]);
    expect(asked).toEqual(['0/0', '0/1']);
  });

  it('is not when there is no checkpoint yet', async () => {
    expect(await verified(at(0, 1), 0)).toEqual([
      [0, false, undefined],
      [1, false, undefined],
    ]);
    expect(asked).toEqual([]);
  });

  it('is not when it is another one than was signed, though its own hash fits', async () => {
    const [record] = at(7);
    if (record === undefined) return;
    const changed = { ...record, data: { n: 'other' } };
    const rehashed = { ...changed, recordHash: leafHash(canonicalRecord(changed)) };
    expect(await verified([changed, rehashed, ...at(8)], 280)).toEqual([
      [7, false, 280],
      [7, false, 280],
      [8, true, 280],
    ]);
  });

  it('is not when it holds what no record can hold, nor when its tile is gone', async () => {
    const [record] = at(7);
    if (record === undefined) return;
    expect(await verified([{ ...record, data: { n: '\ud800' } }], 280)).toEqual([[7, false, 280]]);
    expect((await withVerification(at(7), 280, async () => undefined))[0]?.verification.signed).toBe(false);
  });

  it('names the algorithms of its hash and of the signature apart', async () => {
    const [record] = await withVerification(at(0), 280, read);
    expect(record?.verification).toEqual({
      signed: true,
      hashAlgorithm: 'SHA-256',
      signatureAlgorithm: 'Ed25519',
      checkpoint: 280,
    });
  });
});
