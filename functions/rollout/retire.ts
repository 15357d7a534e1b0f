import { systemActor } from '#platform/actor.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { type ReadyWave, readyWaves, waveFact } from '#releases/ready-wave.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { ShiftPorts } from '#rollout/shift.ts';

/**
 * Gives back what preparing took, in every wave, while traffic is where it was verified to stay: a restore that began
 * since raised the fence, and needs those tasks. The release must not have ended: while it holds its locks, nobody else
 * prepares anything there.
 */
export const retireTargets = async (ports: ShiftPorts, releaseId: ReleaseId): Promise<void> => {
  const release = await ports.releases.get(releaseId);
  const waves = release && readyWaves(release);
  if (release === undefined || waves === undefined) return;
  const isSettled = async () => {
    const { mode, fence } = await ports.releases.readFence(releaseId);
    return mode !== 'done' && fence === release.verified?.fence;
  };
  const record = (type: 'release.retirement.intended' | 'release.retirement.done', wave: ReadyWave) =>
    ports.ledger.append(batchId(release, type, wave.name), [
      releaseRecord(type, release, systemActor('rollout'), ports.now(), waveFact(release, wave)),
    ]);
  for (const wave of waves) {
    let wrote = false;
    await ports.shifter.retire(wave.target, async () => {
      wrote = false;
      if (!(await isSettled())) return false;
      await record('release.retirement.intended', wave);
      wrote = await isSettled();
      return wrote;
    });
    if (wrote) await record('release.retirement.done', wave);
  }
};
