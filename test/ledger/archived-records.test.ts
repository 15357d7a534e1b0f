import { beforeAll, describe, expect, it } from 'vitest';
import { dynamoDbArchives, removeArchived } from '#ledger/adapters/dynamodb-archives.ts';
import { dynamoDbBundles } from '#ledger/adapters/dynamodb-bundles.ts';
import { dynamoDbHolds } from '#ledger/adapters/dynamodb-holds.ts';
import { archivedRecords, withArchive } from '#ledger/archived-bundle.ts';
import { indexRecords } from '#ledger/index-records.ts';
import { searchRecords } from '#ledger/search-records.ts';
import { bundleBytes } from '#ledger/tiles.ts';
import { verifyRecords } from '#ledger/verify-chain.ts';
import { aBatchId, aDraft, aReleaseId } from './drafts.ts';
import { modelledLedger, TABLES } from './modelled-ledger.ts';

const ledger = modelledLedger();
const { writer, reader, index, client, model, kept } = ledger;
const register = dynamoDbArchives(client, TABLES.archives);
const holds = dynamoDbHolds(client, TABLES.holds);
const remove = removeArchived(client, TABLES);
const table = dynamoDbBundles(client, TABLES.ledger);
const releaseId = aReleaseId();
const HOLD = {
  holdId: `hold_${'a'.repeat(26)}`,
  filter: { service: 'other' },
  reason: 'a lawsuit',
  by: { login: 'ada', kind: 'user', authenticated: true, via: 'api' },
  at: '2026-12-01T10:00:00.000Z',
} as const;

/** Copied and noted, as the archiver does before it removes. */
const archive = async (bundle: number) => {
  const records = await table(bundle, 256 * (bundle + 1));
  kept.set(bundle, bundleBytes(records.map(({ canonical }) => canonical)));
  await register.noteRelease(releaseId, bundle);
  await register.save({ bundle, sha256: `sum ${bundle}`, held: false, emptied: false });
  return records;
};

const everything = async () => {
  const lines: string[] = [];
  for (let at: number | undefined = 0; at !== undefined; ) {
    const page = await reader.from(at, 90);
    expect(page.records.length).toBeLessThanOrEqual(90);
    lines.push(...page.records.map((record) => JSON.stringify(record)));
    at = page.next;
  }
  return lines;
};

const ofRelease = async () => {
  const seqs: number[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page = await reader.byRelease(releaseId, { from, limit: 4 });
    expect(page.records.length).toBeLessThanOrEqual(4);
    seqs.push(...page.records.map(({ seq }) => seq));
    from = page.next;
  }
  return seqs;
};

let whole: readonly string[];

beforeAll(async () => {
  // 768 records; each sixtieth is of the release.
  for (let batch = 0; batch < 12; batch += 1)
    await writer.append(
      aBatchId(),
      Array.from({ length: 64 }, (_, n) => aDraft((64 * batch + n) % 60 === 0 ? { n, releaseId } : { n })),
    );
  await indexRecords({ ledger: reader, index, onUnreadable: () => {}, isTimeLeft: () => true });
  whole = await everything();
});

const bundleOfKept = async (bundle: number) => archivedRecords(bundle, kept.get(bundle) ?? new Uint8Array());

const expectSame = async () => {
  const lines = await everything();
  expect(lines).toEqual(whole);
  expect(await verifyRecords(lines, await reader.head())).toMatchObject({ ok: true, records: 768 });
  expect(await ofRelease()).toEqual(Array.from({ length: 13 }, (_, n) => 60 * n));
  const found = await searchRecords(
    { readPlaces: index.readPlaces, byNumbers: reader.byNumbers },
    { service: 'checkout' },
    { position: undefined, limit: 300 },
  );
  expect(found.records.map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  for (const bundle of [0, 1, 2])
    expect(await withArchive(table, { bundle: bundleOfKept })(bundle, 700)).toHaveLength(
      Math.min(256, 700 - 256 * bundle),
    );
};

describe('records of the archive', () => {
  it('are in both places at first, and come once', async () => {
    await archive(1);
    await expectSame();
  });

  it('are found when the table has lost some of their bundle, or all', async () => {
    const records = await table(1, 512);
    expect(await remove(1, 'sum 1', records.slice(0, 100), 0)).toBe(true);
    expect(model.items).toHaveLength(668);
    await expectSame();
    // The run that was cut off is done again, over what is gone already.
    expect(await remove(1, 'sum 1', records, 0)).toBe(true);
    expect(model.items).toHaveLength(512);
    await expectSame();
  });

  it('are found before and behind bundles that a hold kept in the table', async () => {
    const records = await archive(0);
    expect(await remove(0, 'sum 0', records, 0)).toBe(true);
    expect(model.items).toHaveLength(256);
    await expectSame();
  });
});

describe('the table gives up nothing', () => {
  it('that is not noted as archived, with the same sum', async () => {
    const records = await table(2, 768);
    await expect(remove(2, 'sum 2', records, 0)).rejects.toThrow('cancelled');
    await register.save({ bundle: 2, sha256: 'sum 2', held: false, emptied: false });
    await expect(remove(2, 'sum 3', records, 0)).rejects.toThrow('cancelled');
    expect(model.items).toHaveLength(256);
  });

  it('that is not the record that was archived', async () => {
    const [first, ...others] = await table(2, 768);
    const other = { ...(first ?? expect.fail('no record')), recordHash: 'a'.repeat(64) };
    await expect(remove(2, 'sum 2', [other, ...others], 0)).rejects.toThrow('cancelled');
    expect(model.items).toHaveLength(256);
  });

  it('once a hold was put or lifted since the holds were looked at', async () => {
    const records = await table(2, 768);
    expect(await holds.put(HOLD, 0)).toBe(true);
    expect(await holds.put(HOLD, 0)).toBe(false);
    expect(await holds.read()).toEqual({ revision: 1, holds: [HOLD] });
    expect(await remove(2, 'sum 2', records, 0)).toBe(false);
    expect(model.items).toHaveLength(256);
    expect(await remove(2, 'sum 2', records, 1)).toBe(true);
    expect(model.items).toHaveLength(0);
  });
});

describe('the register of the archive', () => {
  it('is for one run at a time, until its time is over or it is given back', async () => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 10, minute));
    expect(await register.take(at(0), at(15))).toBe(true);
    expect(await register.take(at(14), at(29))).toBe(false);
    expect(await register.take(at(15), at(30))).toBe(true);
    await register.giveBack();
    expect(await register.take(at(16), at(31))).toBe(true);
  });

  it('keeps how far the archiver came', async () => {
    expect(await register.progress()).toEqual({ next: 0, holdsRevision: 0, comparing: 0, comparedTo: 0 });
    const progress = { next: 3, holdsRevision: 1, comparing: 2, comparedTo: 1 };
    await register.saveProgress(progress);
    expect(await register.progress()).toEqual(progress);
    expect((await register.from(1)).map(({ bundle }) => bundle)).toEqual([1, 2]);
  });
});
