import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { LedgerWriter } from '#ledger/append.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { systemActor } from '#platform/actor.ts';
import { ConflictError, type Fault, type SluiceError } from '#platform/errors.ts';
import { queueText, shorten } from '#platform/text.ts';

/** Enough faults to see what is wrong; a hostile event can have thousands. */
const FAULTS_MAX = 20;
const MESSAGE_MAX = 500;

const reasonOf = (fault: Fault) => ({
  code: 'invalid-event',
  text: shorten(`${fault.path || '(event)'}: ${fault.message}`, MESSAGE_MAX),
});

/** The event as the refused queue holds it. */
export const eventText = (event: unknown): string => queueText(event);

/**
 * SHA-256, hex, of the event as the refused queue holds it. Not of its canonical form: a refused event may hold what has
 * none.
 */
export const eventDigestOf = (event: unknown): string =>
  createHash('sha256').update(eventText(event)).digest('hex');

/** Where refused events stay to be looked at, whole, with the reason beside them. */
export interface RefusedQueue {
  /** @param text the event, in characters that SQS takes */
  send(text: string, reason: string): Promise<void>;
}

/** Which door refuses: the record it leaves, and the function that leaves it. */
export interface RefusingDoor {
  readonly recorded: 'release.refused' | 'release.command.refused';
  readonly function: string;
}

/**
 * The record of an event that asked for something and was refused. The event itself stays in the refused queue; the
 * record has its digest, so that one can be matched with the other.
 */
export const refusedEventRecord = (
  door: RefusingDoor,
  error: SluiceError,
  eventId: string,
  eventDigest: string,
  at: string,
): RecordDraft => ({
  event: { type: door.recorded, timestamp: at },
  change: {},
  actor: systemActor(door.function),
  data: {
    eventId,
    eventDigest,
    reasons: [
      { code: error.code, text: shorten(error.message, MESSAGE_MAX) },
      ...error.faults.slice(0, FAULTS_MAX).map(reasonOf),
    ],
  },
});

/** Recorded and kept whole in the queue: an event that asked for something impossible must not just vanish. */
export const refuseEvent = async (
  ports: { readonly ledger: LedgerWriter; readonly refused: RefusedQueue; readonly now: () => string },
  door: RefusingDoor,
  event: unknown,
  error: SluiceError,
): Promise<void> => {
  const digest = eventDigestOf(event);
  const id = z.object({ id: z.string() }).safeParse(event).data?.id ?? digest;
  try {
    await ports.ledger.append(`event/${digest}/refused`, [
      refusedEventRecord(door, error, id, digest, ports.now()),
    ]);
  } catch (thrown) {
    // An earlier try that was cut off told it with the words of another moment; once is enough.
    if (!(thrown instanceof ConflictError)) throw thrown;
  }
  await ports.refused.send(eventText(event), error.message);
};
