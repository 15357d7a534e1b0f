import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import type { Actor } from '#platform/actor.ts';
import type { Release } from '#releases/release.ts';

/** The part of a release that every one of its records names. */
export type ReleaseSubject = Pick<Release, 'releaseId' | 'service' | 'environment' | 'version' | 'attempt'>;

/** A record about a release, in the form every slice hands to the ledger. */
export const releaseRecord = (
  type: LedgerEventType,
  subject: ReleaseSubject,
  actor: Actor,
  timestamp: string,
  data: Readonly<Record<string, unknown>> = {},
): RecordDraft => ({
  event: { type, timestamp },
  change: { service: subject.service, environment: subject.environment },
  actor,
  data: { releaseId: subject.releaseId, version: subject.version, attempt: subject.attempt, ...data },
});

/** Names a batch by what it tells, so that a step done again tells it once. */
export const batchId = (subject: ReleaseSubject, ...step: readonly (string | number)[]): string =>
  [subject.releaseId, subject.attempt, ...step].join('/');
