import { describe, expect, it } from 'vitest';
import { recordDraftSchema } from '#ledger/record.ts';
import { ConflictError, InvalidRequestError, TransientError } from '#platform/errors.ts';
import { eventDigestOf, refusedEventRecord, refuseEvent } from '#releases/refused-event.ts';
import { NOW } from '../builders/release.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';

const DOOR = { recorded: 'release.refused', function: 'start-release' } as const;

describe('the record of a refused event', () => {
  it('says what was wrong, field by field', () => {
    const error = new InvalidRequestError('the event is not valid', {
      faults: [
        { path: 'detail.service', message: 'must be a name' },
        { path: '', message: 'is no event' },
      ],
    });
    expect(refusedEventRecord(DOOR, error, 'id-1', 'digest', NOW)).toMatchObject({
      data: {
        eventId: 'id-1',
        reasons: [
          { code: 'invalid-request', text: 'the event is not valid' },
          { code: 'invalid-event', text: 'detail.service: must be a name' },
          { code: 'invalid-event', text: '(event): is no event' },
        ],
      },
    });
  });

  it('is one that the ledger takes, however hostile the event', async () => {
    const hostile = [
      ...Array.from({ length: 5_000 }, (_, index) => ({ path: `key${index}`, message: 'unknown key' })),
    ];
    const error = new InvalidRequestError('x'.repeat(100_000), {
      faults: [
        { path: '🚀'.repeat(10_000), message: 'unknown key' },
        { path: `x${'🚀'.repeat(10_000)}`, message: 'unknown key' },
        { path: '\ud800', message: 'unknown key' },
        ...hostile,
      ],
    });
    const record = refusedEventRecord(DOOR, error, 'id-1', 'digest', NOW);
    expect(recordDraftSchema.safeParse(record).error).toBeUndefined();
    expect(await memoryLedger().append('event/digest/refused', [record])).toHaveLength(1);
    expect(JSON.stringify(record).length).toBeLessThan(20_000);
  });

  it('finds its event in the queue by the digest of what is kept there, whatever that is', () => {
    const events = [{ detail: '\ud800' }, { a: 1, b: 2 }, 'text', null, undefined];
    expect(new Set(events.map(eventDigestOf)).size).toBe(events.length);
    expect(eventDigestOf({ a: 1 })).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a refused event', () => {
  it('reaches the queue at its next try, though it is refused in other words by then', async () => {
    const ledger = memoryLedger();
    const kept: string[] = [];
    let down = true;
    const refused = {
      send: async (text: string) => {
        if (down) throw new TransientError('no answer');
        kept.push(text);
      },
    };
    const refuse = (error: ConflictError) =>
      refuseEvent({ ledger, refused, now: () => NOW }, DOOR, { id: 'id-1' }, error);
    await expect(refuse(new ConflictError('the active one is rel_1'))).rejects.toBeInstanceOf(TransientError);
    down = false;
    await refuse(new ConflictError('the active one is rel_2'));
    expect(kept).toEqual(['{"id":"id-1"}']);
    expect(ledger.records).toHaveLength(1);
  });

  it('waits for the ledger', async () => {
    const ledger = memoryLedger();
    ledger.down = true;
    const refused = { send: async () => expect.unreachable() };
    const error = new InvalidRequestError('no');
    await expect(refuseEvent({ ledger, refused, now: () => NOW }, DOOR, {}, error)).rejects.toBeInstanceOf(
      TransientError,
    );
  });
});
