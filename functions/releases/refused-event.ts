import { createHash } from 'node:crypto';
import type { RecordDraft } from '#ledger/record.ts';
import { systemActor } from '#platform/actor.ts';
import type { Fault, SluiceError } from '#platform/errors.ts';
import { shorten } from '#platform/text.ts';

/** Enough faults to see what is wrong; a hostile event can have thousands. */
const FAULTS_MAX = 20;
const MESSAGE_MAX = 500;

const reasonOf = (fault: Fault) => ({
  code: 'invalid-event',
  text: shorten(`${fault.path || '(event)'}: ${fault.message}`, MESSAGE_MAX),
});

/** The event as the refused queue holds it: JSON, with the two characters escaped that JSON allows and SQS does not. */
export const eventText = (event: unknown): string =>
  (JSON.stringify(event) ?? '').replaceAll('\ufffe', '\\ufffe').replaceAll('\uffff', '\\uffff');

/**
 * SHA-256, hex, of the event as the refused queue holds it. Not of its canonical form: a refused event may hold what has
 * none.
 */
export const eventDigestOf = (event: unknown): string =>
  createHash('sha256').update(eventText(event)).digest('hex');

/**
 * The record of an event that asked for a release and was refused. The event itself stays in the refused queue; the
 * record has its digest, so that one can be matched with the other.
 */
export const refusedEventRecord = (
  error: SluiceError,
  eventId: string,
  eventDigest: string,
  at: string,
): RecordDraft => ({
  event: { type: 'release.refused', timestamp: at },
  change: {},
  actor: systemActor('start-release'),
  data: {
    eventId,
    eventDigest,
    reasons: [
      { code: error.code, text: shorten(error.message, MESSAGE_MAX) },
      ...error.faults.slice(0, FAULTS_MAX).map(reasonOf),
    ],
  },
});
