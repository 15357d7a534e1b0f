import { beforeEach, describe, expect, it } from 'vitest';
import type { BusEntry, Unpublished } from '#ledger/publish-events.ts';
import { type Redrive, redriveEvents } from '#ledger/redrive-events.ts';
import { REDRIVE_RECORDS_MAX, redriveRoutes } from '#ledger/redrive-routes.ts';
import {
  ConflictError,
  InvalidRequestError,
  LedgerIntegrityError,
  TransientError,
} from '#platform/errors.ts';
import { type MemoryLedger, memoryLedger } from '../fakes/memory-ledger.ts';
import { type MemoryLog, memoryLog } from '../fakes/memory-log.ts';

let log: MemoryLog;
let told: MemoryLedger;
let sent: BusEntry[];
let unpublished: Unpublished | undefined;

beforeEach(() => {
  log = memoryLog();
  told = memoryLedger();
  sent = [];
  unpublished = undefined;
});

const order = (over: Partial<Redrive> = {}): Redrive => ({
  first: 1,
  last: 3,
  reason: 'the notifier was down',
  by: { login: 'olive', kind: 'user', authenticated: true, via: 'api' },
  at: '2026-01-05T10:00:00.000Z',
  key: 'k1',
  ...over,
});

const redrive = (over: Partial<Redrive> = {}) =>
  redriveEvents(
    {
      head: log.ports.head,
      bundle: log.ports.bundle,
      personal: async () => new Map(),
      publish: async (entries) => {
        sent.push(...entries);
        return unpublished;
      },
      ledger: told,
    },
    order(over),
  );

const sentNumbers = () => sent.map(({ detail }) => JSON.parse(detail).seq);

describe('sending events again', () => {
  it('sends those of the records that were asked for, in order and as the stream did, over bundles', async () => {
    log.append(600);
    expect(await redrive({ first: 250, last: 520 })).toBe(271);
    expect(sentNumbers()).toEqual(Array.from({ length: 271 }, (_, n) => 250 + n));
    const { canonical, recordHash } = log.records[250] ?? {};
    expect(sent[0]).toMatchObject({ source: 'sluice', detailType: 'sluice.release.shift.done' });
    expect(JSON.parse(sent[0]?.detail ?? '')).toEqual({
      schemaVersion: 1,
      seq: 250,
      recordHash,
      record: { ...JSON.parse(canonical ?? ''), recordHash },
    });
  });

  it('is recorded, before and after, with who asked for it and why', async () => {
    log.append(5);
    await redrive();
    const data = { first: 1, last: 3, reason: 'the notifier was down' };
    expect(told.records).toMatchObject([
      { event: { type: 'ledger.redrive.intended' }, actor: { login: 'olive' }, data },
      { event: { type: 'ledger.redrive.done' }, actor: { login: 'olive' }, data: { ...data, events: 3 } },
    ]);
  });

  it('is recorded once however often it is repeated, and each time sends', async () => {
    log.append(5);
    await redrive();
    await redrive({ at: '2026-01-05T11:00:00.000Z' });
    expect(sentNumbers()).toEqual([1, 2, 3, 1, 2, 3]);
    expect(told.records).toHaveLength(2);
    await expect(redrive({ last: 4 })).rejects.toThrow(ConflictError);
    expect(sent).toHaveLength(6);
  });

  it('sends nothing while it can not be recorded', async () => {
    log.append(5);
    told.down = true;
    await expect(redrive()).rejects.toThrow(TransientError);
    expect(sent).toEqual([]);
  });

  it('says how far the bus went along, records no outcome, and can be repeated', async () => {
    log.append(5);
    unpublished = { position: '2', reason: 'ThrottlingException' };
    await expect(redrive()).rejects.toThrow(/before record 2/);
    expect(told.records.map(({ event }) => event.type)).toEqual(['ledger.redrive.intended']);
    unpublished = undefined;
    expect(await redrive()).toBe(3);
    expect(told.records).toHaveLength(2);
  });

  it('refuses what is not in the ledger yet', async () => {
    log.append(3);
    await expect(redrive()).rejects.toThrow(InvalidRequestError);
    expect(told.records).toEqual([]);
  });

  it('tells nobody of a record that was changed, put there by hand, or is missing', async () => {
    log.append(5);
    const [record] = log.records.splice(2, 1);
    if (record === undefined) throw new Error('no record');
    await expect(redrive()).rejects.toThrow(LedgerIntegrityError);
    log.records.splice(2, 0, { ...record, canonical: record.canonical.replace('"n":2', '"n":7') });
    await expect(redrive()).rejects.toThrow(/record 2/);
    expect(sent).toEqual([]);
    expect(told.records).toEqual([]);
  });

  it('is asked for in spans that one call can do', () => {
    const { body } = redriveRoutes.redriveEvents;
    const asked = (first: unknown, last: unknown) => body.safeParse({ first, last, reason: 'why' }).success;
    expect(asked(7, 7)).toBe(true);
    expect(asked(0, REDRIVE_RECORDS_MAX - 1)).toBe(true);
    expect(asked(0, REDRIVE_RECORDS_MAX)).toBe(false);
    expect(asked(7, 6)).toBe(false);
    expect(asked(-1, 6)).toBe(false);
    expect(asked(1.5, 6)).toBe(false);
    expect(body.safeParse({ first: 1, last: 1 }).success).toBe(false);
  });
});
