import type { RecordDraft } from '#ledger/record.ts';
import { systemActor } from '#platform/actor.ts';
import type { Fault, SluiceError } from '#platform/errors.ts';

/** Enough faults to see what is wrong; a hostile event can have thousands. */
const FAULTS_MAX = 20;
const MESSAGE_MAX = 500;

const shorten = (fault: Fault) => ({
  code: 'invalid-event',
  text: `${fault.path || '(event)'}: ${fault.message}`.slice(0, MESSAGE_MAX),
});

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
      { code: error.code, text: error.message.slice(0, MESSAGE_MAX) },
      ...error.faults.slice(0, FAULTS_MAX).map(shorten),
    ],
  },
});
