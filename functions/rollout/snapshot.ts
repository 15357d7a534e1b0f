import type { LedgerWriter } from '#ledger/append.ts';
import { systemActor } from '#platform/actor.ts';
import { ConflictError, NotFoundError, PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import { type Target, targetIdentity } from '#policy/target.ts';
import { readyWaves } from '#releases/ready-wave.ts';
import type { Release, Snapshot, Wave } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { type Standing, standingOf } from '#releases/standing.ts';
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

/** Names the wave where there are several. */
const inWave = ({ waves }: Release, { name }: Wave, text: string): string =>
  waves.length === 1 ? text : `wave ${name}: ${text}`;

/** @throws PolicyDeniedError when the wave's target or version is not fit. */
const inspectWave = async (ports: SnapshotPorts, release: Release, wave: Wave): Promise<Snapshot> => {
  const inspection = await ports.shifter.inspect(wave.target, wave.version);
  if (inspection.kind === 'unfit')
    throw new PolicyDeniedError(inWave(release, wave, inspection.text), {
      faults: [{ path: inspection.code, message: inspection.text }],
    });
  // Without a stage nobody judges, and nobody asks what was usual.
  const history =
    release.plan.stages.length === 0 ? {} : await recentHistory(ports, wave, inspection.snapshot);
  return { ...inspection.snapshot, history, takenAt: ports.now() };
};

/**
 * Refuses to take for stable what no release left: nobody judged it, and a restore would bring it back. A rollback goes
 * ahead all the same, because whoever asks for one needs it now.
 * @throws PolicyDeniedError saying for every wave who left what, and how to go on; TransientError while the list of
 * releases lags, which shows by this one: who comes right after another would be refused for what that one did.
 */
const refuseChanged = (release: Release, found: readonly Snapshot[], { left, active }: Standing): void => {
  if (release.strategy === 'rollback') return;
  const accepted = release.request?.acceptRunningVersions ?? [];
  const changed = release.waves.flatMap((wave, index) => {
    const last = left.get(targetIdentity(wave.target));
    const runs = found[index]?.stableVersion;
    if (last === undefined || runs === undefined || last.version === runs || accepted.includes(runs))
      return [];
    const text = `version ${runs} runs, and release ${last.releaseId} (${last.outcome}) left version ${last.version}`;
    return [{ runs, text: inWave(release, wave, text) }];
  });
  if (changed.length === 0) return;
  if (active?.releaseId !== release.releaseId)
    throw new TransientError('the list of releases does not show this one yet; try again');
  // The way out first: a long text is cut off at its end.
  const flags = [...new Set([...accepted, ...changed.map(({ runs }) => runs)])].map(
    (runs) => `--accept-running ${runs}`,
  );
  const wayOut = `changed without a release; bring back what was left, or, if what runs is right, let an operator ask for a release with ${flags.join(' ')} (in the API: acceptRunningVersions)`;
  throw new PolicyDeniedError(`${wayOut}. ${changed.map(({ text }) => text).join('; ')}`, {
    faults: changed.map(({ text }) => ({ path: 'changed-without-a-release', message: text })),
  });
};

const takeFirst = async (
  ports: SnapshotPorts,
  release: Release,
  fence: number,
): Promise<readonly Snapshot[]> => {
  const against = await guardsAgainst(ports.alarms, release);
  if (against !== undefined) throw new PolicyDeniedError(against);
  const { service, environment, waves } = release;
  const targets = waves.map(({ target }) => target);
  const standing = await standingOf(ports.releases, service, environment, targets);
  const found = await Promise.all(waves.map((wave) => inspectWave(ports, release, wave)));
  refuseChanged(release, found, standing);
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
