import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NotFoundError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { closeRelease } from '#releases/adapters/dynamodb-closing.ts';
import { dynamoDbFreezes } from '#releases/adapters/dynamodb-freezes.ts';
import { dynamoDbReleaseItem, storedSchema } from '#releases/adapters/dynamodb-release-item.ts';
import { dynamoDbReleaseLists } from '#releases/adapters/dynamodb-release-lists.ts';
import { knowsKey, queueRelease, reserveRelease } from '#releases/adapters/dynamodb-reservation.ts';
import { admitRelease } from '#releases/adapters/dynamodb-waiting.ts';
import type { Progress } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** The release store on its DynamoDB table. */
export const dynamoDbReleases = (client: DynamoDBDocumentClient, table: string): ReleaseStore => {
  const { get, update } = dynamoDbReleaseItem(client, table);
  const forwardAt = '#mode = :forward AND #fence = :fence';

  const setProgress = async (releaseId: ReleaseId, fence: number, progress: Progress, condition: string) =>
    (await update(releaseId, 'SET #progress = :progress', `${forwardAt} AND ${condition}`, {
      ':progress': progress,
      ':step': progress.step,
      ':forward': 'forward',
      ':fence': fence,
    })) !== undefined;

  /** One conditional write that keeps the command's key beside its effect; a key that is there already was taken. */
  const takeWish = async (
    releaseId: ReleaseId,
    key: string,
    change: string,
    condition: string,
    values: Readonly<Record<string, unknown>> = {},
  ): Promise<boolean> => {
    const taken = await update(
      releaseId,
      `SET #wishes = list_append(if_not_exists(#wishes, :none), :keys)${change}`,
      `#mode = :forward AND NOT contains(#wishes, :key) AND ${condition}`,
      { ...values, ':forward': 'forward', ':key': key, ':keys': [key], ':none': [] },
    );
    return taken !== undefined || (await get(releaseId))?.wishes?.includes(key) === true;
  };

  return {
    get,
    reserve: (release, key) => reserveRelease(client, table, get, release, key),
    queue: (release, key, waiter) => queueRelease(client, table, release, key, waiter),
    admit: (release, at) => admitRelease(client, table, release, at),
    ...dynamoDbFreezes(client, table),
    knowsKey: (key) => knowsKey(client, table, key),
    ...dynamoDbReleaseLists(client, table),
    readFence: async (releaseId) => {
      const release = await get(releaseId);
      if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
      return { mode: release.mode, fence: release.fence };
    },
    markStarted: async (releaseId, at) => {
      await update(releaseId, 'SET #startedAt = :at', 'attribute_not_exists(#startedAt)', { ':at': at });
    },
    saveSnapshots: async (releaseId, fence, snapshots) => {
      const saved = await update(
        releaseId,
        'SET #snapshots = :snapshots',
        `${forwardAt} AND attribute_not_exists(#snapshots)`,
        { ':snapshots': snapshots, ':forward': 'forward', ':fence': fence },
      );
      if (saved !== undefined) return snapshots;
      const release = await get(releaseId);
      return release?.mode === 'forward' && release.fence === fence ? release.snapshots : undefined;
    },
    intendStep: async (releaseId, fence, progress) =>
      setProgress(
        releaseId,
        fence,
        progress,
        'attribute_exists(#snapshots) AND (attribute_not_exists(#progress) OR #progress.#step <= :step)',
      ),
    noteProgress: async (releaseId, fence, progress) =>
      setProgress(releaseId, fence, progress, '#progress.#step = :step'),
    passStep: async (releaseId, fence, progress) => {
      const passed = await setProgress(
        releaseId,
        fence,
        progress,
        '#progress.#step = :step AND (attribute_not_exists(#paused) OR #promotionWish.#step = :step)',
      );
      if (passed) return 'passed';
      const release = await get(releaseId);
      const forward = release?.mode === 'forward' && release.fence === fence;
      return forward && release.paused !== undefined ? 'paused' : 'fenced';
    },
    pause: (releaseId, pause, key) =>
      takeWish(releaseId, key, ', #paused = :pause', 'attribute_not_exists(#paused)', { ':pause': pause }),
    resume: (releaseId, key) => takeWish(releaseId, key, ' REMOVE #paused', 'attribute_exists(#paused)'),
    wishPromotion: (releaseId, wish, key) =>
      takeWish(releaseId, key, ', #promotionWish = :wish', '#progress.#step = :step', {
        ':wish': wish,
        ':step': wish.step,
      }),
    beginRestore: async (releaseId, cause, { at, abortedBy } = {}) => {
      const firsts = [
        '#restoreCause = if_not_exists(#restoreCause, :cause)',
        ...(at === undefined ? [] : ['#restoringSince = if_not_exists(#restoringSince, :at)']),
        ...(abortedBy === undefined ? [] : ['#abortedBy = if_not_exists(#abortedBy, :abortedBy)']),
      ];
      const before = await update(
        releaseId,
        `SET #mode = :restoring, #fence = #fence + :one, ${firsts.join(', ')}`,
        '#mode <> :done',
        {
          ':restoring': 'restoring',
          ':done': 'done',
          ':one': 1,
          ':cause': cause,
          ...(at !== undefined && { ':at': at }),
          ...(abortedBy !== undefined && { ':abortedBy': abortedBy }),
        },
      );
      if (before !== undefined) {
        const was = storedSchema.parse(before);
        return { fence: was.fence + 1, first: was.mode === 'forward' };
      }
      if ((await get(releaseId)) === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
      return undefined;
    },
    noteVerified: async (releaseId, verified) =>
      (await update(releaseId, 'SET #verified = :verified', '#mode <> :done AND #fence = :fence', {
        ':verified': verified,
        ':done': 'done',
        ':fence': verified.fence,
      })) !== undefined,
    decide: async (releaseId, { outcome, fence, reasons }) => {
      const promoted = outcome === 'promoted';
      const decided = await update(
        releaseId,
        'SET #mode = :done, #outcome = :outcome, #reasons = :reasons',
        '#mode = :mode AND #fence = :fence AND #verified.#at = :at AND #verified.#fence = :fence',
        {
          ':done': 'done',
          ':mode': promoted ? 'forward' : 'restoring',
          ':at': promoted ? 'new' : 'stable',
          ':fence': fence,
          ':outcome': outcome,
          ':reasons': reasons,
        },
      );
      return decided !== undefined;
    },
    close: async (release, at) => {
      await closeRelease(client, table, release, at);
    },
    noteRecovery: async (releaseId, recoveries) => {
      await update(releaseId, 'SET #recoveries = :recoveries', '#recoveries < :recoveries', {
        ':recoveries': recoveries,
      });
    },
  };
};
