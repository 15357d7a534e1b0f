import type { LedgerWriter } from '#ledger/append.ts';
import type { Release } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** How a workflow's execution stands. `absent`: there never was one of that name. */
export type ExecutionStatus = 'running' | 'ended' | 'absent';

/** The workflows, by release. Starting one that was already started under the same name changes nothing. */
export interface Executions {
  start(
    workflow: 'release' | 'recovery',
    name: string,
    input: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  status(
    workflow: 'release' | 'recovery',
    name: string,
  ): Promise<{ readonly status: ExecutionStatus; readonly detail: string }>;
}

export interface LaunchPorts {
  readonly releases: ReleaseStore;
  readonly ledger: LedgerWriter;
  readonly executions: Executions;
  readonly now: () => string;
}

/** One name per attempt, so that a workflow can't be started twice. */
export const executionName = (release: Pick<Release, 'releaseId' | 'attempt'>): string =>
  `${release.releaseId}-${release.attempt}`;

/** Records that a reserved release was accepted, then starts its workflow. Every step may be repeated. */
export const launchRelease = async (ports: LaunchPorts, release: Release): Promise<Release> => {
  await ports.ledger.append(batchId(release, 'accepted'), [
    releaseRecord('release.accepted', release, release.requestedBy, release.requestedAt, {
      strategy: release.strategy,
      waves: release.waves.map(({ name, target, version, bakeSeconds }) => ({
        name,
        target,
        version,
        bakeSeconds,
      })),
      plan: release.plan,
      ...(release.rollsBack && { rollsBack: release.rollsBack }),
      ...(release.retryOf && { retryOf: release.retryOf }),
      ...(release.guardAlarms && { guardAlarms: release.guardAlarms }),
      ...(release.request?.acceptRunningVersions && {
        acceptRunningVersions: release.request.acceptRunningVersions,
      }),
      ...(release.notes !== undefined && { notes: release.notes }),
    }),
  ]);
  const { releaseId, attempt } = release;
  await ports.executions.start('release', executionName(release), { releaseId, attempt });
  await ports.releases.markStarted(releaseId, ports.now());
  return (await ports.releases.get(releaseId)) ?? release;
};
