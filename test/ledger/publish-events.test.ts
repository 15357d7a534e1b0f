import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { EMPTY_LEDGER, type LinkedRecord, linkRecords } from '#ledger/chain.ts';
import { ledgerItem } from '#ledger/keys.ts';
import { ledgerEventSchema } from '#ledger/ledger-event.ts';
import { callsOf, entryBytes, readChanges } from '#ledger/publish-events.ts';
import { bundleBytes } from '#ledger/tiles.ts';
import { aDraft, aSalt } from './drafts.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'publish-events');
vi.stubEnv('EVENT_BUS_NAME', 'sluice');
vi.stubEnv('ARCHIVE_BUCKET', 'archive');
vi.stubEnv('LEDGER_PERSONAL_TABLE', 'personal');
const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
vi.spyOn(console, 'warn').mockImplementation(() => {});
const { handler } = await import('#ledger/publish-events.handler.ts');

const eventBridge = mockClient(EventBridgeClient);
const objects = mockClient(S3Client);
const published: PutEventsRequestEntry[] = [];

const accept = (refused: (entry: PutEventsRequestEntry) => boolean = () => false) =>
  eventBridge.on(PutEventsCommand).callsFake(({ Entries }: { Entries: PutEventsRequestEntry[] }) => {
    return {
      Entries: Entries.map((entry) => {
        if (refused(entry)) return { ErrorCode: 'InternalFailure' };
        published.push(entry);
        return { EventId: 'e' };
      }),
    };
  });

beforeEach(() => {
  eventBridge.reset();
  objects.reset();
  objects.on(GetObjectCommand).rejects(Object.assign(new Error('absent'), { name: 'NoSuchKey' }));
  published.length = 0;
  printed.mockClear();
  errors.mockClear();
  accept();
});

const linked = (count: number, data: Readonly<Record<string, unknown>> = {}): readonly LinkedRecord[] =>
  linkRecords(
    EMPTY_LEDGER,
    Array.from({ length: count }, (_, n) => aDraft({ n, ...data })),
    { newSalt: aSalt, ids: Array.from({ length: count }, () => '01JGXQ00000000000000000000') },
  ).records;

const streamed = (record: LinkedRecord, eventName = 'INSERT', over: Record<string, string> = {}) => {
  const { bundle, seq, canonical, recordHash } = { ...ledgerItem(record), ...over };
  const Keys = { bundle: { N: String(bundle) }, seq: { N: String(seq) } };
  return {
    eventName,
    eventSource: 'aws:dynamodb',
    dynamodb: {
      SequenceNumber: `position-${record.record.seq}`,
      Keys,
      ...(eventName !== 'REMOVE' && {
        NewImage: { ...Keys, canonical: { S: canonical }, recordHash: { S: recordHash } },
      }),
    },
  };
};

const invoke = (Records: readonly object[]) => handler({ Records }, { awsRequestId: 'r' } as Context);
const tamperedCount = () =>
  printed.mock.calls
    .map(([line]) => JSON.parse(String(line)))
    .flatMap((line) => line.LedgerTampered ?? [])
    .reduce((sum: number, value: number) => sum + value, 0);

describe('the outbox', () => {
  it('makes an event of each inserted record, in order, with the record and its proof', async () => {
    const records = linked(3);
    expect(await invoke(records.map((record) => streamed(record)))).toEqual({ batchItemFailures: [] });
    expect(published).toMatchObject(
      records.map(() => ({
        EventBusName: 'sluice',
        Source: 'sluice',
        DetailType: 'sluice.release.shift.done',
        Time: new Date('2026-01-05T10:00:10.000Z'),
      })),
    );
    const details = published.map(({ Detail }) => ledgerEventSchema.parse(JSON.parse(Detail ?? '')));
    expect(details.map(({ record }) => record)).toEqual(records.map(({ record }) => record));
    expect(details.map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect(tamperedCount()).toBe(0);
  });

  it('sends again what the bus refused for a moment, and only that', async () => {
    let refusals = 1;
    accept(({ Detail }) => JSON.parse(Detail ?? '').seq === 1 && refusals-- > 0);
    expect(await invoke(linked(3).map((record) => streamed(record)))).toEqual({ batchItemFailures: [] });
    expect(published.map(({ Detail }) => JSON.parse(Detail ?? '').seq)).toEqual([0, 2, 1]);
  });

  it('names the first change that stays unpublished, so that the stream comes again from there', async () => {
    accept(({ Detail }) => JSON.parse(Detail ?? '').seq === 12);
    expect(await invoke(linked(25).map((record) => streamed(record)))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'position-12' }],
    });
  });

  it('does the same when the bus does not answer at all', async () => {
    eventBridge.on(PutEventsCommand).rejects(new Error('down'));
    expect(await invoke(linked(2).map((record) => streamed(record)))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'position-0' }],
    });
  });

  it.each(['MODIFY', 'REMOVE'])('tells nobody of a %s but those who watch for tampering', async (kind) => {
    const [first, second] = linked(2);
    if (first === undefined || second === undefined) throw new Error('no records');
    await invoke([streamed(first, kind), streamed(second)]);
    expect(published.map(({ Detail }) => JSON.parse(Detail ?? '').seq)).toEqual([1]);
    expect(tamperedCount()).toBe(1);
    expect(JSON.parse(String(errors.mock.calls[0]?.[0]))).toMatchObject({
      message: 'ledger was tampered with',
      kind,
      seq: 0,
    });
  });

  it('says nothing of a record that left the table for the archive, and everything of any other', async () => {
    const records = linked(257);
    const bytes = Buffer.from(bundleBytes(records.slice(0, 256).map(({ canonical }) => canonical)));
    objects
      .on(GetObjectCommand, { Bucket: 'archive', Key: 'tile/entries/000' })
      .resolves({ Body: { transformToByteArray: async () => bytes } as never });
    await invoke(records.slice(0, 256).map((record) => streamed(record, 'REMOVE')));
    expect(tamperedCount()).toBe(0);
    await invoke(records.slice(256).map((record) => streamed(record, 'REMOVE')));
    expect(tamperedCount()).toBe(1);
    await invoke(records.slice(0, 1).map((record) => streamed(record, 'MODIFY')));
    expect(tamperedCount()).toBe(2);
  });

  it('takes a removed record for removed when what is archived in its place is another', async () => {
    const bytes = Buffer.from(bundleBytes(Array.from({ length: 256 }, () => linked(2)[1]?.canonical ?? '')));
    objects.on(GetObjectCommand).resolves({ Body: { transformToByteArray: async () => bytes } as never });
    vi.resetModules();
    const { handler: fresh } = await import('#ledger/publish-events.handler.ts');
    await fresh({ Records: linked(1).map((record) => streamed(record, 'REMOVE')) }, {
      awsRequestId: 'r',
    } as Context);
    expect(tamperedCount()).toBe(1);
  });

  it('publishes nothing while the archive can not be asked, and is called again', async () => {
    objects.on(GetObjectCommand).rejects(Object.assign(new Error('slow'), { name: 'TimeoutError' }));
    const [first, second] = linked(2);
    if (first === undefined || second === undefined) throw new Error('no records');
    const far = streamed(first, 'REMOVE', { seq: '600' });
    await expect(invoke([streamed(second), far])).rejects.toThrow('the archive did not answer');
    expect(published).toEqual([]);
    expect(tamperedCount()).toBe(0);
  });

  it('takes an insert that append-records would not have made for tampering', async () => {
    const [record] = linked(1);
    if (record === undefined) throw new Error('no record');
    const { canonical, recordHash } = record.record && ledgerItem(record);
    const forgeries = [
      { canonical: canonical.replace('"n":0', '"n":1') },
      { recordHash: recordHash.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a')) },
      { canonical: 'garbage' },
      { seq: '7' },
    ];
    await invoke(forgeries.map((forgery) => streamed(record, 'INSERT', forgery)));
    await invoke([{ eventName: 'INSERT', dynamodb: { SequenceNumber: '1', Keys: {}, NewImage: {} } }]);
    expect(published).toEqual([]);
    expect(tamperedCount()).toBe(forgeries.length + 1);
  });
});

describe('calls to the bus', () => {
  it('hold 10 entries and 256 KB at most, lose none and keep the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 120_000 }), { maxLength: 40 }), (sizes) => {
        const entries = sizes.map((size, n) => ({
          position: String(n),
          source: 'sluice',
          detailType: 'sluice.release.shift.done',
          detail: 'x'.repeat(size),
          time: new Date(0),
        }));
        const calls = callsOf(entries);
        expect(calls.flat()).toEqual(entries);
        for (const call of calls) {
          expect(call.length).toBeLessThanOrEqual(10);
          expect(call.reduce((sum, entry) => sum + entryBytes(entry), 0)).toBeLessThanOrEqual(262_144);
        }
      }),
    );
  });

  it('take the largest record there can be', async () => {
    const [record] = linked(1, { text: 'é'.repeat(32_000) });
    if (record === undefined) throw new Error('no record');
    const item = ledgerItem(record);
    const change = { kind: 'INSERT', position: '1', seq: 0, item } as const;
    const { entries } = await readChanges(
      [change],
      async () => undefined,
      async () => new Map(),
    );
    expect(Buffer.byteLength(item.canonical)).toBeGreaterThan(64_000);
    expect(entries.map(entryBytes)).toEqual([expect.closeTo(65_000, -4)]);
  });
});
