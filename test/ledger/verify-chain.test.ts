import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalRecord } from '#ledger/canonical.ts';
import { EMPTY_LEDGER, GENESIS_HASH, linkRecords } from '#ledger/chain.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { verifyRecords } from '#ledger/verify-chain.ts';
import { aDraft, aSalt } from './drafts.ts';

const ULID = '01JGXQ0000000000000000000';

const chainOf = (data: readonly Readonly<Record<string, unknown>>[]) => {
  const ids = data.map((_, n) => `${ULID}${n % 10}`);
  const { records, head } = linkRecords(
    EMPTY_LEDGER,
    data.map((facts) => aDraft(facts)),
    { newSalt: aSalt, ids },
  );
  return { records: records.map(({ record }) => record), head };
};

const LENGTH = 12;
const { records, head } = chainOf(Array.from({ length: LENGTH }, (_, n) => ({ n, note: `é ${n}` })));
const lines = records.map((record) => JSON.stringify(record));

/** The record with a hash of its own that fits, as a forger would make it. */
const rehashed = (record: LedgerRecord): LedgerRecord => ({
  ...record,
  recordHash: leafHash(canonicalRecord(record)),
});

const at = (index: number): LedgerRecord => {
  const record = records[index];
  if (record === undefined) throw new RangeError(`no record ${index}`);
  return record;
};

const edited = (index: number): LedgerRecord => ({ ...at(index), data: { ...at(index).data, n: -1 } });

const replaced = (index: number, record: LedgerRecord): string[] => lines.with(index, JSON.stringify(record));

/** Index of a record, first and last ones included. */
const anyIndex = fc.nat({ max: LENGTH - 1 });
const innerIndex = fc.nat({ max: LENGTH - 2 });

const check = <T extends unknown[]>(
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  property: (...values: T) => Promise<void>,
  numRuns = 300,
) =>
  fc.assert(fc.asyncProperty(...(arbitraries as never as [fc.Arbitrary<unknown>]), property as never), {
    numRuns,
  });

describe('an untouched export', { timeout: 60_000 }, () => {
  it('is accepted, whatever its records hold', async () => {
    const facts = fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__' && key !== 'releaseId'),
      fc.jsonValue({ stringUnit: 'grapheme' }),
      { noNullPrototype: true },
    );
    await check([fc.array(facts, { maxLength: 6 })], async (data) => {
      const chain = chainOf(data);
      const verdict = await verifyRecords(
        chain.records.map((record) => JSON.stringify(record)),
        chain.head,
      );
      expect(verdict).toEqual({ ok: true, records: data.length, head: chain.head });
    });
  });

  it('is accepted however the JSON is written: key order, white space, escapes, blank lines', async () => {
    const rewritten = records.map((record) =>
      JSON.stringify(Object.fromEntries(Object.entries(record).reverse()), null, 1)
        .replaceAll('\n', ' ')
        .replaceAll('é', '\\u00e9'),
    );
    expect(await verifyRecords([...rewritten, '', '  '])).toEqual({ ok: true, records: LENGTH, head });
  });

  it('is accepted when the verifier knows an older head', async () => {
    for (const [index, { recordHash }] of records.entries())
      expect(await verifyRecords(lines, { size: index + 1, hash: recordHash })).toMatchObject({ ok: true });
    expect(await verifyRecords(lines, { size: 0, hash: GENESIS_HASH })).toMatchObject({ ok: true });
  });

  it('may be empty, or a stream', async () => {
    expect(await verifyRecords([])).toEqual({ ok: true, records: 0, head: EMPTY_LEDGER });
    async function* stream() {
      yield* lines;
    }
    expect(await verifyRecords(stream())).toMatchObject({ ok: true, records: LENGTH });
  });
});

describe('what was done to an export is named', { timeout: 60_000 }, () => {
  it('edited: content changed under the old hash', () =>
    check([anyIndex], async (index) => {
      expect(await verifyRecords(replaced(index, edited(index)))).toMatchObject({
        ok: false,
        fault: 'edited',
        seq: index,
      });
    }));

  it('edited: content changed and given a new hash, which the next record does not know', () =>
    check([innerIndex], async (index) => {
      expect(await verifyRecords(replaced(index, rehashed(edited(index))))).toMatchObject({
        ok: false,
        fault: 'edited',
        seq: index,
      });
    }));

  it('edited: the first record linked to something before the beginning', async () => {
    const forged = rehashed({ ...at(0), prevHash: 'f'.repeat(64) });
    expect(await verifyRecords(replaced(0, forged))).toMatchObject({ ok: false, fault: 'edited', seq: 0 });
  });

  it('removed: one record or several, but the last', () =>
    check([innerIndex, fc.integer({ min: 1, max: LENGTH })], async (index, count) => {
      const left = lines.toSpliced(index, Math.min(count, LENGTH - 1 - index));
      expect(await verifyRecords(left)).toMatchObject({ ok: false, fault: 'removed', seq: index });
    }));

  it('truncated: the last records, when the verifier knows the head', () =>
    check([anyIndex], async (index) => {
      expect(await verifyRecords(lines.slice(0, index))).toMatchObject({ ok: true, records: index });
      expect(await verifyRecords(lines.slice(0, index), head)).toMatchObject({
        ok: false,
        fault: 'truncated',
        seq: index,
      });
    }));

  it('truncated: the file ends in the middle of a line', async () => {
    const cut = [...lines.slice(0, 4), lines[4]?.slice(0, 100) ?? ''];
    expect(await verifyRecords(cut)).toMatchObject({ ok: false, fault: 'truncated', seq: 4 });
  });

  it('reordered: two records changed places, or one was moved to the front', () =>
    check([anyIndex, anyIndex], async (a, b) => {
      fc.pre(a < b);
      const swapped = lines.with(a, lines[b] ?? '').with(b, lines[a] ?? '');
      expect(await verifyRecords(swapped)).toMatchObject({ ok: false, fault: 'reordered', seq: a });
      const moved = lines.toSpliced(b, 1).toSpliced(a, 0, lines[b] ?? '');
      expect(await verifyRecords(moved)).toMatchObject({ ok: false, fault: 'reordered', seq: a });
    }));

  it('inserted: a copy of a record, before or after it', () =>
    check([anyIndex, fc.nat({ max: LENGTH })], async (index, place) => {
      const copied = lines.toSpliced(place, 0, lines[index] ?? '');
      expect(await verifyRecords(copied)).toMatchObject({ ok: false, fault: 'inserted', seq: index });
    }));

  it('inserted: a forged record, fitting in every way but one: the true one is there as well', () =>
    check([anyIndex, fc.boolean(), fc.boolean()], async (index, linked, hashed) => {
      const content = linked ? edited(index) : { ...edited(index), prevHash: 'e'.repeat(64) };
      const forged = JSON.stringify(hashed ? rehashed(content) : content);
      expect(await verifyRecords(lines.toSpliced(index, 0, forged))).toMatchObject({
        ok: false,
        fault: 'inserted',
        seq: index,
      });
    }));

  it('inserted: a line that is no record', () =>
    check([anyIndex, fc.constantFrom('garbage', '[]', '{}', 'null', '{"a":1}')], async (index, line) => {
      const verdict = await verifyRecords(lines.toSpliced(index, 0, line));
      expect(verdict).toMatchObject({ ok: false, fault: 'inserted', seq: index });
    }));

  it('inconsistent: everything written anew from some record on, when the verifier knows the head', () =>
    check([anyIndex], async (index) => {
      const anew = records.slice(0, index);
      for (const record of records.slice(index)) {
        const content = record.seq === index ? edited(index) : record;
        anew.push(rehashed({ ...content, prevHash: anew.at(-1)?.recordHash ?? GENESIS_HASH }));
      }
      const forgery = anew.map((record) => JSON.stringify(record));
      expect(await verifyRecords(forgery)).toMatchObject({ ok: true });
      expect(await verifyRecords(forgery, head)).toMatchObject({ ok: false, fault: 'inconsistent' });
    }));

  it('inconsistent: numbers left out although the links hold', async () => {
    const skipping = rehashed({ ...at(3), seq: 5 });
    expect(await verifyRecords([...lines.slice(0, 3), JSON.stringify(skipping)])).toMatchObject({
      ok: false,
      fault: 'inconsistent',
      seq: 3,
    });
  });
});

describe('nothing gets past', { timeout: 60_000 }, () => {
  it('no change of a byte, except one that leaves the same JSON', async () => {
    const bytes = Buffer.from(lines.join('\n'));
    const meaning = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => canonicalJson(JSON.parse(line)))
        .join('\n');
    const original = meaning(bytes.toString());
    await check(
      [
        fc.nat({ max: bytes.length - 1 }),
        fc.nat({ max: 255 }),
        fc.constantFrom('replace', 'insert', 'delete'),
      ],
      async (position, byte, how) => {
        const mutated = Buffer.from([
          ...bytes.subarray(0, position),
          ...(how === 'delete' ? [] : [byte]),
          ...bytes.subarray(how === 'insert' ? position : position + 1),
        ]).toString();
        const verdict = await verifyRecords(mutated.split('\n'), head);
        if (verdict.ok) expect(meaning(mutated)).toBe(original);
      },
      3_000,
    );
  });

  it('no shuffle, no selection, no repetition of the lines', () =>
    check(
      [fc.array(anyIndex, { maxLength: 2 * LENGTH })],
      async (order) => {
        const untouched = order.length === LENGTH && order.every((index, place) => index === place);
        const verdict = await verifyRecords(
          order.map((index) => lines[index] ?? ''),
          head,
        );
        expect(verdict.ok).toBe(untouched);
      },
      1_000,
    ));

  it('no text that another reader could take for something else than was hashed', async () => {
    const line = lines[5] ?? '';
    const twice = line.replace('"n":5', '"n":99,"n":5');
    const inexact = line.replace('"n":5', '"n":5.00000000000000000001');
    for (const ambiguous of [twice, inexact]) {
      expect(JSON.parse(ambiguous)).toEqual(at(5));
      expect(await verifyRecords(lines.with(5, ambiguous))).toMatchObject({
        ok: false,
        fault: 'edited',
        seq: 5,
      });
    }
  });

  it('nothing that no ledger record can hold, and no depth that would exhaust the stack', async () => {
    for (const value of ['"\\ud800"', '1e400', `${'['.repeat(20_000)}${']'.repeat(20_000)}`]) {
      const line = (lines[5] ?? '').replace('"n":5', `"n":${value}`);
      expect(await verifyRecords(lines.with(5, line))).toMatchObject({ ok: false, fault: 'edited', seq: 5 });
    }
  });

  it('a record of a newer Sluice is checked like any other', async () => {
    const newer = rehashed({
      ...at(LENGTH - 1),
      version: '2.0',
      event: { ...at(LENGTH - 1).event, type: 'approval.granted' },
      extra: { new: true },
    } as never);
    expect(await verifyRecords(replaced(LENGTH - 1, newer))).toMatchObject({ ok: true });
  });
});
