import { systemActor } from '#platform/actor.ts';
import { ConflictError } from '#platform/errors.ts';
import { advanceWaiting } from '#releases/advance-waiting.ts';
import { executionName, type LaunchPorts, launchRelease } from '#releases/launch-release.ts';
import { type RecoveryNeed, recoveryOf } from '#releases/recovery.ts';
import type { Reason, Release } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';

const recoveryName = (release: Release, number: number): string =>
  `${executionName(release)}-recovery-${number}`;

/** How the release's workflow and its latest recovery stand. */
const statuses = async ({ executions }: LaunchPorts, release: Release) => {
  const [execution, recovery] = await Promise.all([
    executions.status('release', executionName(release)),
    release.recoveries === 0
      ? { status: 'absent' as const }
      : executions.status('recovery', recoveryName(release, release.recoveries)),
  ]);
  return { execution, recovery };
};

/** An earlier sweep that was cut off may have told it in other words; once is enough. */
const tellRecovery = async (
  { ledger, now }: LaunchPorts,
  release: Release,
  number: number,
  text: string,
): Promise<void> => {
  const data = { number, reasons: [{ code: 'execution-gone', text }] };
  try {
    await ledger.append(`${release.releaseId}/recovery/${number}`, [
      releaseRecord('release.recovered', release, systemActor('recover-release'), now(), data),
    ]);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
};

/** Starts the workflow that restores and concludes. Its name is counted up on the release, so that two sweeps start one. */
const startRecovery = async (
  ports: LaunchPorts,
  release: Release,
  reasons: readonly Reason[],
): Promise<void> => {
  const { releaseId } = release;
  const number = release.recoveries + 1;
  await ports.executions.start('recovery', recoveryName(release, number), { releaseId, reasons });
  await ports.releases.noteRecovery(releaseId, number);
};

const restoreAndConclude = async (ports: LaunchPorts, release: Release, detail: string): Promise<void> => {
  const text = `the workflow of this release is gone (${detail}); traffic is restored`;
  await tellRecovery(ports, release, release.recoveries + 1, text);
  await startRecovery(ports, release, [{ code: 'execution-gone', text }]);
};

/** A release that was stopped while it waited moved nothing; the same workflow says so and concludes it. */
const endWaiting = (ports: LaunchPorts, release: Release): Promise<void> =>
  startRecovery(ports, release, [{ code: 'stopped', text: 'the release was stopped while it waited' }]);

/**
 * Does for one open release what it needs, and says what that was. `listed` comes from an index that may lag: the release
 * itself is read after its workflow was seen to have ended, so that one that was just concluded is not recovered.
 */
export const recoverRelease = async (
  ports: LaunchPorts & { readonly startGraceSeconds: number },
  listed: Release,
): Promise<RecoveryNeed> => {
  const { execution, recovery } = await statuses(ports, listed);
  const release = await ports.releases.get(listed.releaseId);
  if (release === undefined) return 'nothing';
  const need = recoveryOf(release, {
    release: execution.status,
    recovery: recovery.status,
    now: new Date(ports.now()),
    startGraceSeconds: ports.startGraceSeconds,
  });
  if (need === 'launch') await launchRelease(ports, release);
  if (need === 'advance') await advanceWaiting(ports, release);
  if (need === 'end') await endWaiting(ports, release);
  if (need === 'restore-and-conclude') await restoreAndConclude(ports, release, execution.detail);
  return need;
};
