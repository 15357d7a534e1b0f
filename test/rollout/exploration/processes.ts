import { ConflictError, TransientError } from '#platform/errors.ts';
import { concludeRelease } from '#releases/conclude.ts';
import { type CarriedTargets, type RestorePorts, restoreTraffic } from '#rollout/restore.ts';
import { promoteVersion, type ShiftResult, shiftToStep } from '#rollout/shift.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { ann, aRelease, NEXT, NOW, planWith, STABLE } from '../../builders/release.ts';
import { memoryAlarms } from '../../fakes/memory-alarms.ts';
import { memoryRescueCopies } from '../../fakes/memory-rescue-copies.ts';
import type { ControlPlane, Mutation } from './control-plane.ts';
import type { Scheduler } from './scheduler.ts';

/** What one process sees of the control plane: every call waits for the scheduler. */
export const portsOf = (
  scheduler: Scheduler,
  process: string,
  plane: ControlPlane,
  mutation: Mutation,
): RestorePorts => ({
  releases: scheduler.ported(process, 'releases', plane.releases),
  shifter: scheduler.ported(process, 'shifter', mutation.calls?.(plane.shifter) ?? plane.shifter),
  ledger: scheduler.ported(process, 'ledger', plane.ledger),
  spool: scheduler.ported(process, 'spool', plane.ledger),
  now: () => NOW,
  onTrouble: () => undefined,
});

/** What a task's Retry does: the same call again while the trouble is a passing one. */
const retried = async <T>(attempts: number, call: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TransientError) || attempt >= attempts) throw error;
    }
  }
};

const stopped = [{ code: 'stopped', text: 'the release was stopped' }];

export const carriedBy = ({ release }: ControlPlane): CarriedTargets => ({
  subject: release,
  waves: release.waves.map(({ name, target }) => ({ name, target, stableVersion: STABLE })),
});

/** How the release and rollout workflows go on from stage `first`: their order, retries and failure routes. */
export const workflow = async (ports: RestorePorts, plane: ControlPlane, first: number): Promise<void> => {
  const { releaseId, plan } = plane.release;
  const carried = carriedBy(plane);
  const restore = () => retried(3, () => restoreTraffic(ports, { releaseId, cause: stopped, carried }));
  const conclude = (wanted: 'promoted' | 'restored') =>
    retried(3, () => concludeRelease(ports, releaseId, wanted));

  const rollOut = async (): Promise<'promoted' | 'restored'> => {
    const forward = async (step: () => Promise<ShiftResult>) => {
      if ((await retried(2, step)) === 'fenced') throw new ConflictError('fenced');
    };
    try {
      for (let stage = first; stage < plan.stages.length; stage += 1)
        await forward(() => shiftToStep(ports, releaseId, 1, stage));
      await forward(() => promoteVersion(ports, releaseId, 1));
      return 'promoted';
    } catch {
      await restore();
      return 'restored';
    }
  };
  try {
    await conclude(await rollOut());
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await restore();
    await conclude('restored');
  }
};

/** An operator's abort, as obey-command does it. */
export const abort = (ports: RestorePorts, { release }: ControlPlane): Promise<unknown> =>
  restoreTraffic(ports, {
    releaseId: release.releaseId,
    cause: [{ code: 'operator-abort', text: 'aborted by ann' }],
    abortedBy: ann,
  });

/** The recovery workflow: for a release without a conclusion whose own workflow is gone. */
export const recover = async (ports: RestorePorts, { release }: ControlPlane): Promise<void> => {
  const { releaseId } = release;
  const present = await ports.releases.get(releaseId);
  if (present?.concludedAt !== undefined) return;
  await retried(3, () =>
    restoreTraffic(ports, { releaseId, cause: [{ code: 'execution-gone', text: 'the workflow is gone' }] }),
  );
  await retried(3, () => concludeRelease(ports, releaseId, 'restored'));
};

/** The whole life of a later release of another version. */
export const nextRelease = async (ports: RestorePorts, plane: ControlPlane): Promise<void> => {
  const releaseId = plane.nextReleaseId;
  const release = aRelease({ releaseId, version: NEXT, plan: planWith(50, 100) });
  await ports.releases.reserve(release, { value: 'next', requestDigest: 'next' });
  const { release: reserved } = await takeSnapshots(
    { ...ports, source: { read: async () => [] }, alarms: memoryAlarms(), rescue: memoryRescueCopies() },
    releaseId,
    1,
  );
  for (const stage of reserved.plan.stages.keys()) await shiftToStep(ports, releaseId, 1, stage);
  await promoteVersion(ports, releaseId, 1);
  await concludeRelease(ports, releaseId, 'promoted');
};
