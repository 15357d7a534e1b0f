import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexRecords } from '#ledger/index-records.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { matches, placeOf, type RecordFilter } from '#ledger/record-filter.ts';
import { searchRecords } from '#ledger/search-records.ts';
import { systemActor } from '#platform/actor.ts';
import { LedgerIntegrityError, TransientError } from '#platform/errors.ts';
import { aBatchId, aDraft } from './drafts.ts';
import { modelledLedger } from './modelled-ledger.ts';

type Modelled = ReturnType<typeof modelledLedger>;

const catchUp = (ledger: Modelled, over: Partial<Parameters<typeof indexRecords>[0]> = {}) =>
  indexRecords({
    ledger: ledger.reader,
    index: ledger.index,
    onUnreadable: () => {},
    isTimeLeft: () => true,
    ...over,
  });

const search = async (
  { index, reader }: Modelled,
  filter: RecordFilter,
  limit = 50,
): Promise<readonly number[]> => {
  const numbers: number[] = [];
  let position: string | undefined;
  do {
    const ports = { readPlaces: index.readPlaces, byNumbers: reader.byNumbers };
    const page = await searchRecords(ports, filter, { position, limit });
    numbers.push(...page.records.map(({ seq }) => seq));
    position = page.next;
  } while (position !== undefined);
  return numbers;
};

const TYPES = ['release.shift.done', 'release.promoted', 'service.changed'] as const;
const CONTROLS = ['CC6.1', 'CC8.1', 'A.8.32'] as const;
const minute = (n: number): string => `2026-01-05T10:${String(n).padStart(2, '0')}:00.000Z`;

const draftArbitrary: fc.Arbitrary<RecordDraft> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    at: fc.nat(9),
    service: fc.option(fc.constantFrom('checkout', 'cart'), { nil: undefined }),
    actor: fc.constantFrom('olive', 'sluice'),
    controls: fc.option(fc.subarray([...CONTROLS]), { nil: undefined }),
  })
  .map(({ type, at, service, actor, controls }) => ({
    event: { type, timestamp: minute(at) },
    change: { ...(service !== undefined && { service }) },
    actor: systemActor(actor),
    ...(controls !== undefined && { compliance: { controls } }),
    data: {},
  }));

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const filterArbitrary: fc.Arbitrary<RecordFilter> = fc.record({
  service: optional(fc.constantFrom('checkout', 'cart', 'absent')),
  actor: optional(fc.constantFrom('olive', 'sluice')),
  control: optional(fc.constantFrom(...CONTROLS)),
  type: optional(fc.constantFrom(...TYPES)),
  from: optional(fc.nat(9).map(minute)),
  to: optional(fc.nat(9).map(minute)),
});

describe('searching', () => {
  it('finds what reading everything would, by time, whatever is asked for and however it is paged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(draftArbitrary, { minLength: 1, maxLength: 30 }),
        fc.array(filterArbitrary, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (drafts, filters, limit) => {
          const ledger = modelledLedger();
          await ledger.writer.append(aBatchId(), drafts);
          await catchUp(ledger);
          const { records } = await ledger.reader.from(0, 98);
          for (const filter of filters) {
            const expected = records
              .filter((record) => matches(record, filter))
              .toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
              .map(({ seq }) => seq);
            expect(await search(ledger, filter, limit)).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows nothing that the ledger does not say, though the index was told it', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft({ n: 0 })]);
    await catchUp(ledger);
    const [record] = (await ledger.reader.from(0, 1)).records;
    if (record === undefined) throw new Error('no record');
    await ledger.index.put([
      { term: 'actor#mallory', place: placeOf(record) },
      { term: 'service#checkout', place: '2020-01-01T00:00:00.000Z#0000000000000000' },
    ]);
    expect(await search(ledger, { actor: 'mallory' })).toEqual([]);
    expect(await search(ledger, { service: 'checkout' })).toEqual([0]);
  });

  it('says so when a record that was indexed is no longer there', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft({ n: 0 }), aDraft({ n: 1 })]);
    await catchUp(ledger);
    ledger.model.tables.ledger?.delete(JSON.stringify([0, 1]));
    await expect(search(ledger, { service: 'checkout' })).rejects.toThrow(LedgerIntegrityError);
  });

  it('ends a page before it gets too long for an answer, and loses none', async () => {
    const ledger = modelledLedger();
    const evidence = 'x'.repeat(60_000);
    for (let batch = 0; batch < 2; batch += 1)
      await ledger.writer.append(
        aBatchId(),
        Array.from({ length: 40 }, () => aDraft({ evidence })),
      );
    await catchUp(ledger);
    const ports = { readPlaces: ledger.index.readPlaces, byNumbers: ledger.reader.byNumbers };
    const filter = { service: 'checkout' };
    const page = await searchRecords(ports, filter, { position: undefined, limit: 100 });
    expect(page.records.length).toBeLessThan(40);
    expect(await search(ledger, filter, 100)).toEqual(Array.from({ length: 80 }, (_, n) => n));
  });
});

describe('the index', () => {
  it('is made from record 0 on when there is none, and then only of what is new', async () => {
    const ledger = modelledLedger();
    for (let n = 0; n < 3; n += 1)
      await ledger.writer.append(
        aBatchId(),
        Array.from({ length: 90 }, () => aDraft()),
      );
    await catchUp(ledger);
    expect(await search(ledger, { service: 'checkout' }, 256)).toHaveLength(270);
    ledger.calls.resetHistory();
    await ledger.writer.append(aBatchId(), [aDraft()]);
    await catchUp(ledger);
    const puts = ledger.calls
      .commandCalls(BatchWriteCommand)
      .flatMap(({ args }) => args[0].input.RequestItems?.index ?? []);
    expect(new Set(puts.map(({ PutRequest }) => PutRequest?.Item?.place)).size).toBe(1);
    expect(await search(ledger, { service: 'checkout' }, 256)).toHaveLength(271);
  });

  it('is the same when two make it at once, and when one stops half way', async () => {
    const ledger = modelledLedger();
    for (let n = 0; n < 3; n += 1)
      await ledger.writer.append(
        aBatchId(),
        Array.from({ length: 90 }, () => aDraft()),
      );
    let strides = 2;
    await expect(catchUp(ledger, { isTimeLeft: () => strides-- > 0 })).rejects.toThrow(TransientError);
    expect(await ledger.index.indexedSize()).toBe(200);
    await Promise.all([catchUp(ledger), catchUp(ledger)]);
    expect(await ledger.index.indexedSize()).toBe(270);
    expect(await search(ledger, {}, 256)).toEqual(Array.from({ length: 270 }, (_, n) => n));
  });

  it('does not say that a record is in it before it is', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft()]);
    ledger.calls.on(BatchWriteCommand).rejects(Object.assign(new Error('slow'), { name: 'TimeoutError' }));
    await expect(catchUp(ledger)).rejects.toThrow(TransientError);
    expect(await ledger.index.indexedSize()).toBe(0);
  });

  it('passes over a record that was made unreadable or taken away, and has those behind it', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(
      aBatchId(),
      Array.from({ length: 6 }, (_, n) => aDraft({ n })),
    );
    const items = ledger.model.tables.ledger;
    items?.set(JSON.stringify([0, 2]), { bundle: 0, seq: 2, canonical: 'garbage', recordHash: 'x' });
    items?.delete(JSON.stringify([0, 5]));
    const unreadable: number[] = [];
    await catchUp(ledger, { onUnreadable: (seq) => unreadable.push(seq) });
    expect(unreadable).toEqual([2]);
    expect(await search(ledger, { service: 'checkout' })).toEqual([0, 1, 3, 4]);
    expect(await ledger.index.indexedSize()).toBe(6);
  });

  it('does not run ahead of the ledger because of a record that was put behind its end by hand', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft({ n: 0 }), aDraft({ n: 1 })]);
    const items = ledger.model.tables.ledger;
    const last = items?.get(JSON.stringify([0, 1]));
    if (last === undefined) throw new Error('no record');
    const canonical = String(last.canonical).replace('"seq":1', '"seq":9');
    items?.set(JSON.stringify([0, 9]), { ...last, seq: 9, canonical });
    await catchUp(ledger);
    expect(await ledger.index.indexedSize()).toBe(2);
    items?.delete(JSON.stringify([0, 9]));
    await ledger.writer.append(aBatchId(), [aDraft({ n: 2 })]);
    await catchUp(ledger);
    expect(await search(ledger, { service: 'checkout' })).toEqual([0, 1, 2]);
  });
});
