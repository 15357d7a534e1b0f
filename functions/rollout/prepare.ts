import type { LedgerWriter } from '#ledger/append.ts';
import { systemActor } from '#platform/actor.ts';
import { PolicyDeniedError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Target } from '#policy/target.ts';
import { type ReadyWave, waveFact } from '#releases/ready-wave.ts';
import type { Release } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { isForward } from '#rollout/fence.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

export interface PreparePorts {
  readonly releases: ReleaseStore;
  readonly ledger: LedgerWriter;
  readonly shifter: TrafficShifter<Target>;
  readonly now: () => string;
}

/** What is still to come before the version can take the step's share of traffic. */
export interface Waiting {
  readonly waitingFor: string;
}

/** What a wave is prepared for. */
export interface PreparedFor {
  /** Names its records. */
  readonly step: readonly (string | number)[];
  readonly data: Readonly<Record<string, unknown>>;
  /** The version has some of the traffic already. */
  readonly hasTraffic: boolean;
}

/** Images are pulled, tasks started and found healthy: nobody gets the version meanwhile, so that may take its time. */
const BEFORE_TRAFFIC_SECONDS = 1_800;
/** Nobody looks at the canary while it is prepared for more. */
const UNDER_TRAFFIC_SECONDS = 180;

/**
 * One step towards the wave's version being able to take its next share of traffic; until it says `ready` it is to be
 * called again. Whatever it does to the target is fenced and recorded before, as a shift is. `since` is when it was
 * called first, as epoch milliseconds, from the second time on.
 * @throws PolicyDeniedError when it never will be ready, or isn't in time.
 */
export const prepareWave = async (
  ports: PreparePorts,
  release: Release,
  fence: number,
  wave: ReadyWave,
  what: PreparedFor,
  since: number | undefined,
): Promise<'ready' | 'fenced' | Waiting> => {
  const { releaseId } = release;
  const record = (type: 'release.preparation.intended' | 'release.preparation.done') =>
    ports.ledger.append(batchId(release, ...what.step, type), [
      releaseRecord(type, release, systemActor('rollout'), ports.now(), {
        ...what.data,
        fence,
        canary: wave.version,
        ...waveFact(release, wave),
      }),
    ]);
  const isOurs = async (id: ReleaseId) => isForward(await ports.releases.readFence(id), fence);
  let stopped = false;
  const mayWrite = async (): Promise<boolean> => {
    if (await isOurs(releaseId)) {
      await record('release.preparation.intended');
      if (await isOurs(releaseId)) return true;
    }
    stopped = true;
    return false;
  };

  const found = await ports.shifter.prepare(wave.target, wave.version, mayWrite);
  if (stopped) return 'fenced';
  switch (found.kind) {
    case 'ready':
      if (since !== undefined) await record('release.preparation.done');
      return 'ready';
    case 'unfit':
      throw new PolicyDeniedError(found.text, { faults: [{ path: found.code, message: found.text }] });
    case 'waiting': {
      const seconds = what.hasTraffic ? UNDER_TRAFFIC_SECONDS : BEFORE_TRAFFIC_SECONDS;
      const waited = since === undefined ? 0 : (Date.parse(ports.now()) - since) / 1_000;
      if (waited < seconds) return { waitingFor: found.text };
      // A release that was stopped meanwhile ends as what it was stopped for.
      if (!(await isOurs(releaseId))) return 'fenced';
      throw new PolicyDeniedError(`not ready after ${seconds} s: ${found.text}`);
    }
  }
};
