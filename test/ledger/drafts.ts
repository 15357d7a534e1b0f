import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { systemActor } from '#platform/actor.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { newReleaseId, newUlid } from '#platform/new-id.ts';

export const aReleaseId = (): ReleaseId => newReleaseId(new Date());

/** An id that no other test, and no earlier run against the same tables, has used. */
export const aBatchId = (): string => `test/${newUlid(new Date())}`;

/** The same for each value: what is tested with it needs no secret. */
export const aSalt = (): string => 'AAAAAAAAAAAAAAAAAAAAAA';

export const aDraft = (
  data: Readonly<Record<string, unknown>> = {},
  type: LedgerEventType = 'release.shift.done',
  timestamp = '2026-01-05T10:00:10.000Z',
): RecordDraft => ({
  event: { type, timestamp },
  change: { service: 'checkout', environment: 'staging' },
  actor: systemActor('sluice'),
  data,
});
