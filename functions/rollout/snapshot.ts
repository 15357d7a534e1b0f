import type { LedgerWriter } from '#ledger/append.ts';
import { systemActor } from '#platform/actor.ts';
import { ConflictError, NotFoundError, PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Target } from '#policy/target.ts';
import { readyWaves } from '#releases/ready-wave.ts';
import type { Release, Snapshot, Wave } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { type AlarmReader, guardsAgainst } from '#rollout/guards.ts';
import type { BaselineHistory } from '#rollout/judge/facts.ts';
import { historyOf } from '#rollout/judge/history.ts';
import type { MetricSource } from '#rollout/metric-source.ts';
import type { RescueCopies } from '#rollout/rescue-copy.ts';
import type { CarriedTargets } from '#rollout/restore.ts';
import { settleSecondsOf } from '#rollout/stage-clock.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

export interface SnapshotPorts {
  readonly releases: ReleaseStore;
  readonly ledger: LedgerWriter;
  readonly shifter: TrafficShifter<Target>;
  readonly source: MetricSource<MetricDefinition>;
  readonly rescue: Pick<RescueCopies, 'keep'>;
  readonly alarms: AlarmReader;
  readonly now: () => string;
  /** Something that must not stop a rollback went wrong. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** An hour of CloudWatch's own metrics (canary-judge: recent history, 60 min by default). */
const HISTORY_PERIODS = 60;

/**
 * What the stable version showed lately: what "as before" means at 100 %, and how much its counts vary by themselves.
 * A source that doesn't answer leaves it unknown; the judge then does without, and never takes it for good.
 */
const recentHistory = async (
  ports: SnapshotPorts,
  { metrics, target, version }: Wave,
  found: Omit<Snapshot, 'takenAt'>,
): Promise<BaselineHistory> => {
  const period = metrics.periodSeconds * 1_000;
  const settled = Date.parse(ports.now()) - settleSecondsOf(metrics, found) * 1_000;
  const to = Math.floor(settled / period) * period;
  try {
    const { stableVersion: baseline, places } = found;
    const arms = { target, canary: version, baseline, places };
    const periods = await ports.source.read(metrics, arms, to - HISTORY_PERIODS * period, to);
    return historyOf(periods.flatMap(({ facts }) => facts.baseline ?? []));
  } catch (error) {
    if (error instanceof TransientError) return {};
    throw error;
  }
};

/** @throws PolicyDeniedError when the wave's target or version is not fit, naming the wave where there are several. */
const inspectWave = async (ports: SnapshotPorts, { waves, plan }: Release, wave: Wave): Promise<Snapshot> => {
  const inspection = await ports.shifter.inspect(wave.target, wave.version);
  if (inspection.kind === 'unfit') {
    const text = waves.length === 1 ? inspection.text : `wave ${wave.name}: ${inspection.text}`;
    throw new PolicyDeniedError(text, { faults: [{ path: inspection.code, message: inspection.text }] });
  }
  // Without a stage nobody judges, and nobody asks what was usual.
  const history = plan.stages.length === 0 ? {} : await recentHistory(ports, wave, inspection.snapshot);
  return { ...inspection.snapshot, history, takenAt: ports.now() };
};

const takeFirst = async (
  ports: SnapshotPorts,
  release: Release,
  fence: number,
): Promise<readonly Snapshot[]> => {
  const against = await guardsAgainst(ports.alarms, release);
  if (against !== undefined) throw new PolicyDeniedError(against);
  const found = await Promise.all(release.waves.map((wave) => inspectWave(ports, release, wave)));
  const snapshots = await ports.releases.saveSnapshots(release.releaseId, fence, found);
  if (snapshots === undefined) throw new ConflictError('the release was stopped before anything moved');
  return snapshots;
};

/** What a restore needs besides its own rights, when the state can't be read. */
export const carriedOf = (
  { releaseId, service, environment, version, attempt, waves }: Release,
  snapshots: readonly Snapshot[],
): CarriedTargets => ({
  subject: { releaseId, service, environment, version, attempt },
  waves: (readyWaves({ waves, snapshots: [...snapshots] }) ?? []).map(
    ({ name, target, snapshot: { stableVersion } }) => ({ name, target, stableVersion }),
  ),
});

/**
 * A rollback keeps the copy of the release that it takes back: what was stable then is what it goes to, and a release in
 * between (a drill, one that failed) has left another. The older copy mostly says the same, so that it waits for none.
 */
const keepForRollback = async (ports: SnapshotPorts, back: ReleaseId): Promise<void> => {
  const promoted = await ports.releases.get(back);
  if (promoted?.snapshots === undefined) return;
  try {
    await ports.rescue.keep(carriedOf(promoted, promoted.snapshots));
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    ports.onTrouble('the copy for a rescue could not be kept for a rollback', error);
  }
};

/**
 * Finds what stable is in every wave, before anything moves, and keeps it: the first snapshots stay, also when this is
 * repeated after traffic moved.
 * @throws PolicyDeniedError when a target or a version is not fit for a rollout, or a guard alarm is raised, saying why;
 * ConflictError when the release was stopped.
 */
export const takeSnapshots = async (
  ports: SnapshotPorts,
  releaseId: ReleaseId,
  fence: number,
): Promise<{ readonly release: Release; readonly snapshots: readonly Snapshot[] }> => {
  const release = await ports.releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  const snapshots = release.snapshots ?? (await takeFirst(ports, release, fence));
  const [first] = snapshots;
  if (release.strategy !== 'rollback') await ports.rescue.keep(carriedOf(release, snapshots));
  else if (release.rollsBack) await keepForRollback(ports, release.rollsBack.releaseId);
  await ports.ledger.append(batchId(release, 'snapshot'), [
    releaseRecord('release.snapshot.taken', release, systemActor('rollout'), first?.takenAt ?? ports.now(), {
      snapshots: snapshots.map((snapshot, index) => ({ wave: release.waves[index]?.name, ...snapshot })),
    }),
  ]);
  return { release, snapshots };
};
