import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import type { ApiClient } from '../api-client.ts';
import { timelineReader } from '../timeline.ts';
import type { ReleaseView } from './release-view.ts';

const POLL_MILLISECONDS = 2_000;

/** A release as it is, all its records so far, and those that are new since the last time. */
export interface Sight {
  readonly release: ReleaseView;
  readonly records: readonly LedgerRecord[];
  readonly fresh: readonly LedgerRecord[];
}

/**
 * Looks at a release again and again until it has ended, and shows each look.
 * @returns the ended release, or undefined when `withinSeconds` are over before.
 */
export const followRelease = async (
  api: ApiClient,
  releaseId: ReleaseId,
  {
    show,
    withinSeconds,
    pollMilliseconds = POLL_MILLISECONDS,
  }: {
    readonly show: (sight: Sight) => void;
    readonly withinSeconds: number | undefined;
    readonly pollMilliseconds?: number;
  },
): Promise<ReleaseView | undefined> => {
  const deadline =
    withinSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + withinSeconds * 1_000;
  const newRecords = timelineReader(api, releaseId);
  let records: readonly LedgerRecord[] = [];
  for (;;) {
    const release = await api.call(releaseRoutes.getRelease, { params: { releaseId } });
    // Asked after the release, so that the end of an ended one is among them.
    const fresh = await newRecords();
    records = [...records, ...fresh];
    show({ release, records, fresh });
    if (release.concludedAt !== undefined) return release;
    if (Date.now() + pollMilliseconds > deadline) return undefined;
    await sleep(pollMilliseconds);
  }
};
