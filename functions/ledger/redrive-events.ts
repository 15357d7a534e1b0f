import type { LedgerWriter } from '#ledger/append.ts';
import type { LedgerHead } from '#ledger/chain.ts';
import { discloseRecords, type ReadPersonal } from '#ledger/disclose-records.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import { BUNDLE_SIZE, bundleOf } from '#ledger/keys.ts';
import { type LedgerEvent, ledgerEventOf } from '#ledger/ledger-event.ts';
import { type BusEntry, entryOf, type Unpublished } from '#ledger/publish-events.ts';
import type { Actor } from '#platform/actor.ts';
import {
  ConflictError,
  InvalidRequestError,
  LedgerIntegrityError,
  TransientError,
} from '#platform/errors.ts';

/** The records whose events are to come again, both ends included. */
export interface Redrive {
  readonly first: number;
  readonly last: number;
  readonly reason: string;
  readonly by: Actor;
  readonly at: string;
  /** Names the redrive in the ledger: given again, it is recorded once, and sends once more. */
  readonly key: string;
}

export interface RedrivePorts {
  head(): Promise<LedgerHead>;
  /** A bundle's records below number `end`, as they are stored. */
  bundle(bundle: number, end: number): Promise<readonly StoredRecord[]>;
  /** Tells of the first entry that could not be put; undefined when all are there. */
  publish(entries: readonly BusEntry[]): Promise<Unpublished | undefined>;
  readonly personal: ReadPersonal;
  readonly ledger: LedgerWriter;
}

/**
 * The events of the records, as the stream made them but for what was redacted since: a consumer that has one of them knows it by its number.
 * @throws LedgerIntegrityError when one is missing or is not as it was written: nobody is told of what was put there.
 */
const entriesOf = async (
  { bundle, personal }: RedrivePorts,
  { first, last }: Redrive,
): Promise<BusEntry[]> => {
  const events: LedgerEvent[] = [];
  for (let index = bundleOf(first); index <= bundleOf(last); index += 1) {
    const records = new Map((await bundle(index, last + 1)).map((record) => [record.seq, record]));
    const start = Math.max(first, index * BUNDLE_SIZE);
    const end = Math.min(last + 1, (index + 1) * BUNDLE_SIZE);
    for (let seq = start; seq < end; seq += 1) {
      const event = ledgerEventOf(records.get(seq) ?? {});
      if (event === undefined)
        throw new LedgerIntegrityError(
          `record ${seq} is missing or not as it was written, and nothing was sent: see the runbook, "LedgerTampered"`,
        );
      events.push(event);
    }
  }
  const shown = await discloseRecords(
    events.map(({ record }) => record),
    personal,
  );
  return events.map((event, place) =>
    entryOf(String(event.seq), { ...event, record: shown[place] ?? event.record }),
  );
};

const tell = async (
  { ledger }: RedrivePorts,
  { first, last, reason, by, at, key }: Redrive,
  type: LedgerEventType,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  await ledger.append(`redrive/${key}/${type}`, [
    { event: { type, timestamp: at }, change: {}, actor: by, data: { first, last, reason, ...data } },
  ]);
};

const tellIntent = async (ports: RedrivePorts, redrive: Redrive): Promise<void> => {
  try {
    await tell(ports, redrive, 'ledger.redrive.intended');
  } catch (cause) {
    if (!(cause instanceof ConflictError)) throw cause;
    throw new ConflictError('this idempotency key was used for another redrive; use a new key', { cause });
  }
};

/**
 * Puts the events of records on the bus again, from the ledger: what a dead letter holds may be a position in a stream
 * that has forgotten it. Intent recorded, sent, outcome recorded. Everybody on the bus hears it, and whoever has applied
 * an event passes over it by its number.
 * @throws TransientError when the bus did not take all: the same redrive again begins from its first record.
 */
export const redriveEvents = async (ports: RedrivePorts, redrive: Redrive): Promise<number> => {
  const { size } = await ports.head();
  if (redrive.last >= size)
    throw new InvalidRequestError('the ledger does not go so far', {
      faults: [{ path: 'last', message: `must be below ${size}, which is how many records there are` }],
    });
  const entries = await entriesOf(ports, redrive);
  await tellIntent(ports, redrive);
  const unpublished = await ports.publish(entries);
  if (unpublished !== undefined)
    throw new TransientError(
      `the bus took the events before record ${unpublished.position} and then no more: repeat it with the same key`,
      { cause: unpublished.reason },
    );
  await tell(ports, redrive, 'ledger.redrive.done', { events: entries.length });
  return entries.length;
};
