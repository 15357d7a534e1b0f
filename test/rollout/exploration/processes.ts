import { ConflictError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { concludeRelease } from '#releases/conclude.ts';
import { recoverRelease } from '#releases/recover-release.ts';
import type { Release } from '#releases/release.ts';
import { requestDrafted } from '#releases/request-release.ts';
import { stepsOf } from '#releases/step.ts';
import { type CarriedTargets, restoreTraffic } from '#rollout/restore.ts';
import { retireTargets } from '#rollout/retire.ts';
import { retryRelease } from '#rollout/retry.ts';
import { promoteVersion, type ShiftResult, shiftToStep } from '#rollout/shift.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { ann, NEXT, NOW, releaseIdOf, STABLE } from '../../builders/release.ts';
import { memoryAlarms } from '../../fakes/memory-alarms.ts';
import { memoryRescueCopies } from '../../fakes/memory-rescue-copies.ts';
import { type ControlPlane, type Mutation, type Ports, releaseOf, type Shape } from './control-plane.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * What one process sees of the control plane: every call waits for the scheduler, but for those to a ledger that never
 * fails, which no other process can notice.
 */
export const portsOf = (
  scheduler: Scheduler,
  process: string,
  plane: ControlPlane,
  { ports: broken }: Mutation,
  ledgerFails: boolean,
): Ports => {
  const { ledger } = plane;
  const ports: Ports = {
    releases: scheduler.ported(process, 'releases', plane.releases),
    shifter: plane.shifterFor(scheduler, process),
    ledger: ledgerFails ? scheduler.ported(process, 'ledger', ledger) : ledger,
    spool: ledgerFails ? scheduler.ported(process, 'spool', ledger) : ledger,
    executions: scheduler.ported(process, 'executions', plane.executions),
    now: () => NOW,
    onTrouble: () => undefined,
  };
  return { ...ports, ...broken?.(ports) };
};

/** Without a scheduler, for what comes before and after the processes. */
export const directPorts = (plane: ControlPlane): Ports => ({
  ...plane,
  spool: plane.ledger,
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

/** Tasks run at once here: more often than this nothing is waited for. */
const WAITS_MAX = 3;

const forward = async (step: () => Promise<ShiftResult>): Promise<void> => {
  for (let waits = 0; waits < WAITS_MAX; waits += 1) {
    const result = await retried(2, step);
    if (result === 'done') return;
    if (result === 'fenced') throw new ConflictError('fenced');
  }
  throw new ConflictError('it waits without an end');
};

const stopped = [{ code: 'stopped', text: 'the release was stopped' }];

const carriedBy = (release: Release): CarriedTargets => ({
  subject: release,
  waves: release.waves.map(({ name, target }) => ({ name, target, stableVersion: STABLE })),
});

const retire = async (ports: Ports, { releaseId, waves }: Release): Promise<void> => {
  if (!waves.some(({ target }) => target.kind === 'ecs')) return;
  try {
    await retried(2, () => retireTargets(ports, releaseId));
  } catch {
    // The release ends all the same.
  }
};

/** How the release and rollout workflows go on from step `first`: their order, retries and failure routes. */
export const workflow = async (ports: Ports, release: Release, first: number): Promise<void> => {
  const { releaseId } = release;
  const carried = carriedBy(release);
  const restore = () => retried(4, () => restoreTraffic(ports, { releaseId, cause: stopped, carried }));
  const conclude = (wanted: 'promoted' | 'restored') =>
    retried(3, () => concludeRelease(ports, releaseId, wanted));
  const steps = stepsOf(release).length;

  const rollOut = async (): Promise<'promoted' | 'restored'> => {
    try {
      for (let step = first; step < steps; step += 1)
        await forward(() => shiftToStep(ports, releaseId, 1, step, Date.parse(NOW)));
      await forward(() => promoteVersion(ports, releaseId, 1, Date.parse(NOW)));
      return 'promoted';
    } catch {
      await restore();
      return 'restored';
    }
  };
  const wanted = await rollOut();
  await retire(ports, release);
  try {
    await conclude(wanted);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await restore();
    await retire(ports, release);
    await conclude('restored');
  }
};

/** The workflow of a release from its beginning: what is stable is found out first. */
export const wholeWorkflow = async (ports: Ports, releaseId: ReleaseId): Promise<void> => {
  const around = { source: { read: async () => [] }, alarms: memoryAlarms(), rescue: memoryRescueCopies() };
  const snapshots = () => takeSnapshots({ ...ports, ...around }, releaseId, 1);
  try {
    const { release } = await retried(2, snapshots);
    await workflow(ports, release, 0);
  } catch (error) {
    const release = await ports.releases.get(releaseId);
    if (release === undefined || release.snapshots !== undefined) throw error;
    await recover(ports, releaseId);
  }
};

/** An operator's abort, as obey-command does it. */
export const abort = (ports: Ports, { release }: ControlPlane): Promise<unknown> =>
  restoreTraffic(ports, {
    releaseId: release.releaseId,
    cause: [{ code: 'operator-abort', text: 'aborted by ann' }],
    abortedBy: ann,
  });

/** The recovery workflow: for a release without a conclusion whose own workflow is gone. */
export const recover = async (ports: Ports, releaseId: ReleaseId): Promise<void> => {
  const present = await ports.releases.get(releaseId);
  if (present?.concludedAt !== undefined) return;
  await retried(3, () =>
    restoreTraffic(ports, { releaseId, cause: [{ code: 'execution-gone', text: 'the workflow is gone' }] }),
  );
  if (present !== undefined) await retire(ports, present);
  await retried(3, () => concludeRelease(ports, releaseId, 'restored'));
};

const takeIn = (ports: Ports, release: Release): Promise<Release> =>
  requestDrafted(ports, release, { key: release.releaseId, requestDigest: release.version });

/** A later release of another version is asked for, and takes the place of the active one. */
export const supersede = (ports: Ports, shape: Shape): Promise<Release> =>
  takeIn(ports, releaseOf(shape, { releaseId: releaseIdOf(2), version: NEXT, supersedes: true }));

/** A later release of another version is asked for when nothing is in its way. */
export const askForNext = (ports: Ports, shape: Shape): Promise<Release> =>
  takeIn(ports, releaseOf(shape, { releaseId: releaseIdOf(2), version: NEXT }));

/** An operator asks for the same again. */
export const retry = (ports: Ports, shape: Shape, { release }: ControlPlane): Promise<unknown> =>
  retryRelease(
    {
      releases: ports.releases,
      newReleaseId: () => releaseIdOf(2),
      request: ({ releaseId, retryOf }) =>
        takeIn(ports, releaseOf(shape, { releaseId, ...(retryOf && { retryOf }) })),
    },
    { name: 'retry', releaseId: release.releaseId, by: ann, reason: 'again', key: 'retry', at: NOW },
  );

/** What the sweep does for every release that has not ended. */
export const sweep = async (ports: Ports): Promise<void> => {
  for (const release of await ports.releases.open())
    await recoverRelease({ ...ports, startGraceSeconds: 0 }, release);
};
