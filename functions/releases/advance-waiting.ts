import type { ReleaseId } from '#platform/ids.ts';
import { type LaunchPorts, launchRelease } from '#releases/launch-release.ts';
import type { Release } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';

/**
 * Stops a release that a newer one takes the place of. Raising its fence is all: its own workflow sees that at its next
 * look, brings traffic back, proves it and concludes, as after any stop. Never a rollback: brought back, its traffic would be
 * on the version that people fled from. The newer one waits for its end.
 */
const supersede = async (ports: LaunchPorts, loserId: ReleaseId, by: Release | undefined): Promise<void> => {
  const loser = await ports.releases.get(loserId);
  if (loser?.mode !== 'forward' || loser.strategy === 'rollback') return;
  const reason =
    by === undefined
      ? { text: 'superseded by a newer release' }
      : {
          text: `superseded by release ${by.releaseId} of version ${by.version}`,
          facts: { by: by.releaseId },
        };
  await ports.releases.beginRestore(loserId, [{ code: 'superseded', ...reason }]);
};

/**
 * Does for a release that waits what it needs next: told that it waits, it gets the lock and is launched, or stops
 * whichever release holds it; one that is no longer the next is stopped itself. Every step may be repeated, and whoever
 * comes after a crash goes on here: the request again, or the sweep that the end of a workflow wakes.
 */
export const advanceWaiting = async (ports: LaunchPorts, release: Release): Promise<Release> => {
  const { releaseId } = release;
  await ports.ledger.append(batchId(release, 'queued'), [
    releaseRecord('release.queued', release, release.requestedBy, release.requestedAt),
  ]);
  const admission = await ports.releases.admit(release, ports.now());
  const present = async () => (await ports.releases.get(releaseId)) ?? release;
  switch (admission.kind) {
    case 'admitted':
      return launchRelease(ports, await present());
    case 'behind':
      await supersede(ports, admission.by, release);
      return present();
    case 'replaced': {
      const newer = admission.by === undefined ? undefined : await ports.releases.get(admission.by);
      await supersede(ports, releaseId, newer);
      return present();
    }
    case 'held':
      return present();
  }
};
