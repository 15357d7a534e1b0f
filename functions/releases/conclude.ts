import type { LedgerWriter } from '#ledger/append.ts';
import { conclusionOf } from '#ledger/ended-releases.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import { systemActor } from '#platform/actor.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { type Outcome, type Release, restoredOutcome } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { restoredTime } from '#releases/restored-time.ts';

export interface ConcludePorts {
  readonly releases: ReleaseStore;
  readonly ledger: LedgerWriter;
  readonly now: () => string;
}

const TERMINAL: Record<Outcome, LedgerEventType> = {
  promoted: 'release.promoted',
  'rolled-back': 'release.rolled-back',
  completed: 'release.completed',
  aborted: 'release.aborted',
  refused: 'release.refused',
};

const mustGet = async (releases: ReleaseStore, releaseId: ReleaseId): Promise<Release> => {
  const release = await releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  return release;
};

/** The one write after which the outcome stands; it proves by its condition that traffic was verified. */
const decideOutcome = async (
  releases: ReleaseStore,
  release: Release,
  wanted: 'promoted' | 'restored',
): Promise<void> => {
  const outcome = wanted === 'promoted' ? 'promoted' : restoredOutcome(release);
  const reasons =
    wanted === 'promoted'
      ? [
          {
            code: 'all-stages-passed',
            text:
              release.plan.stages.length === 0
                ? `back on version ${release.version}, which was good before`
                : `version ${release.version} passed every stage of plan ${release.plan.name}`,
          },
        ]
      : (release.restoreCause ?? []);
  if (await releases.decide(release.releaseId, { outcome, fence: release.fence, reasons })) return;
  const present = await mustGet(releases, release.releaseId);
  if (present.mode === 'done') return;
  if (wanted === 'promoted' && present.mode === 'restoring')
    throw new ConflictError('the release was stopped before its promotion was concluded');
  throw new TransientError(
    `traffic is not verified at fence ${present.fence} (last: ${present.verified?.at ?? 'never'} at ${present.verified?.fence ?? 0})`,
  );
};

/**
 * Ends a release: decides, records the one terminal record, frees the lock, in this order; each step may be repeated,
 * and the terminal record has one batch id whatever the outcome, so that there can be only one.
 * @throws ConflictError when an abort came before the promotion could be concluded: restore, then conclude again.
 * @throws TransientError when traffic is not verified yet or a store can't be reached.
 */
export const concludeRelease = async (
  ports: ConcludePorts,
  releaseId: ReleaseId,
  wanted: 'promoted' | 'restored',
): Promise<Release> => {
  const before = await mustGet(ports.releases, releaseId);
  if (before.mode !== 'done') await decideOutcome(ports.releases, before, wanted);
  const release = await mustGet(ports.releases, releaseId);
  const { outcome } = release;
  if (outcome === undefined) throw new TransientError(`release ${releaseId} has no outcome yet`);
  const at = ports.now();
  const restored = restoredTime(release);
  await ports.ledger.append(conclusionOf(releaseId), [
    releaseRecord(TERMINAL[outcome], release, systemActor('conclude-release'), at, {
      outcome,
      reasons: release.reasons ?? [],
      ...(release.verified && { verified: release.verified }),
      ...(release.strategy !== 'canary' && { strategy: release.strategy }),
      ...(restored && { restored }),
      ...(release.progress?.experiment && { experiment: release.progress.experiment }),
    }),
  ]);
  await ports.releases.close(release, at);
  return mustGet(ports.releases, releaseId);
};
