import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { NotFoundError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { reserveRelease } from '#releases/adapters/dynamodb-reservation.ts';
import { lockKey, RELEASES, releaseKey } from '#releases/keys.ts';
import { type Progress, type Release, releaseSchema } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

const storedSchema = releaseSchema.strip();

/** Every attribute is written `#name`, because DynamoDB reserves hundreds of words and says so only at run time. */
const namesIn = (...expressions: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    expressions.flatMap((expression) =>
      [...expression.matchAll(/#(\w+)/g)].map(([placeholder, name]) => [placeholder, name ?? '']),
    ),
  );

/** The release store on its DynamoDB table. */
export const dynamoDbReleases = (client: DynamoDBDocumentClient, table: string): ReleaseStore => {
  const get = async (releaseId: ReleaseId): Promise<Release | undefined> => {
    const { Item } = await orTransient(
      'table releases',
      client.send(new GetCommand({ TableName: table, Key: releaseKey(releaseId), ConsistentRead: true })),
    );
    return Item === undefined ? undefined : storedSchema.parse(Item);
  };

  /** One conditional update; undefined when its condition does not hold. Returns the item as it was before. */
  const update = async (
    releaseId: ReleaseId,
    set: string,
    condition: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown> | undefined> => {
    try {
      const { Attributes } = await orTransient(
        'table releases',
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: releaseKey(releaseId),
            UpdateExpression: set,
            ConditionExpression: `attribute_exists(#pk) AND ${condition}`,
            ExpressionAttributeNames: namesIn('#pk', set, condition),
            ExpressionAttributeValues: values,
            ReturnValues: 'ALL_OLD',
          }),
        ),
      );
      return Attributes ?? {};
    } catch (error) {
      if (isNamed(error, 'ConditionalCheckFailedException')) return undefined;
      throw error;
    }
  };

  const forwardAt = '#mode = :forward AND #fence = :fence';

  const setProgress = async (releaseId: ReleaseId, fence: number, progress: Progress, condition: string) =>
    (await update(releaseId, 'SET #progress = :progress', `${forwardAt} AND ${condition}`, {
      ':progress': progress,
      ':weight': progress.weightPercent,
      ':forward': 'forward',
      ':fence': fence,
    })) !== undefined;

  const query = async (
    index: string,
    key: string,
    value: string,
    page: { after?: string; limit: number },
  ) => {
    const { Items = [], LastEvaluatedKey } = await orTransient(
      'table releases',
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: index,
          KeyConditionExpression: '#key = :value',
          ExpressionAttributeNames: { '#key': key },
          ExpressionAttributeValues: { ':value': value },
          ScanIndexForward: false,
          Limit: page.limit,
          ...(page.after !== undefined && {
            ExclusiveStartKey: {
              ...releaseKey(page.after as ReleaseId),
              [key]: value,
              releaseId: page.after,
            },
          }),
        }),
      ),
    );
    const releases = Items.map((item) => storedSchema.parse(item));
    const last = LastEvaluatedKey === undefined ? undefined : releases.at(-1)?.releaseId;
    return { releases, ...(last !== undefined && { next: last }) };
  };

  return {
    get,
    reserve: (release, key) => reserveRelease(client, table, get, release, key),
    list: ({ service, after, limit }) => {
      const page = { limit, ...(after !== undefined && { after }) };
      return service === undefined
        ? query(RELEASES.byTime, 'all', RELEASES.all, page)
        : query(RELEASES.byService, 'service', service, page);
    },
    open: async () => {
      const found: Release[] = [];
      let after: string | undefined;
      do {
        const page = await query(RELEASES.open, 'open', RELEASES.openMark, {
          limit: 100,
          ...(after !== undefined && { after }),
        });
        found.push(...page.releases);
        after = page.next;
      } while (after !== undefined);
      return found.reverse();
    },
    readFence: async (releaseId) => {
      const release = await get(releaseId);
      if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
      return { mode: release.mode, fence: release.fence };
    },
    markStarted: async (releaseId, at) => {
      await update(releaseId, 'SET #startedAt = :at', 'attribute_not_exists(#startedAt)', { ':at': at });
    },
    saveSnapshot: async (releaseId, fence, snapshot) => {
      const saved = await update(
        releaseId,
        'SET #snapshot = :snapshot',
        `${forwardAt} AND attribute_not_exists(#snapshot)`,
        { ':snapshot': snapshot, ':forward': 'forward', ':fence': fence },
      );
      if (saved !== undefined) return snapshot;
      const release = await get(releaseId);
      return release?.mode === 'forward' && release.fence === fence ? release.snapshot : undefined;
    },
    intendWeight: async (releaseId, fence, progress) =>
      setProgress(
        releaseId,
        fence,
        progress,
        'attribute_exists(#snapshot) AND (attribute_not_exists(#progress) OR #progress.#weightPercent <= :weight)',
      ),
    noteProgress: async (releaseId, fence, progress) =>
      setProgress(releaseId, fence, progress, '#progress.#weightPercent = :weight'),
    passStage: async (releaseId, fence, progress) => {
      const passed = await setProgress(
        releaseId,
        fence,
        progress,
        '#progress.#weightPercent = :weight AND (attribute_not_exists(#paused) OR #promotionWish.#stage = :stage)',
        { ':stage': progress.stage },
      );
      if (passed) return 'passed';
      const release = await get(releaseId);
      const forward = release?.mode === 'forward' && release.fence === fence;
      return forward && release.paused !== undefined ? 'paused' : 'fenced';
    },
    pause: async (releaseId, pause) =>
      (await update(releaseId, 'SET #paused = :pause', '#mode = :forward AND attribute_not_exists(#paused)', {
        ':pause': pause,
        ':forward': 'forward',
      })) !== undefined,
    resume: async (releaseId) =>
      (await update(releaseId, 'REMOVE #paused', '#mode = :forward AND attribute_exists(#paused)', {
        ':forward': 'forward',
      })) !== undefined,
    wishPromotion: async (releaseId, wish) =>
      (await update(
        releaseId,
        'SET #promotionWish = :wish',
        '#mode = :forward AND #progress.#stage = :stage',
        { ':wish': wish, ':forward': 'forward', ':stage': wish.stage },
      )) !== undefined,
    beginRestore: async (releaseId, cause, abortedBy) => {
      const before = await update(
        releaseId,
        `SET #mode = :restoring, #fence = #fence + :one, #restoreCause = if_not_exists(#restoreCause, :cause)${
          abortedBy === undefined ? '' : ', #abortedBy = if_not_exists(#abortedBy, :abortedBy)'
        }`,
        '#mode <> :done',
        {
          ':restoring': 'restoring',
          ':done': 'done',
          ':one': 1,
          ':cause': cause,
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

/** Lock and open mark go in one write; the lock only while it is this release's own. */
const closeRelease = async (
  client: DynamoDBDocumentClient,
  table: string,
  release: Release,
  at: string,
): Promise<void> => {
  try {
    await orTransient(
      'table releases',
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            {
              Delete: {
                TableName: table,
                Key: lockKey(release.service, release.environment),
                ConditionExpression: 'releaseId = :releaseId',
                ExpressionAttributeValues: { ':releaseId': release.releaseId },
              },
            },
            {
              Update: {
                TableName: table,
                Key: releaseKey(release.releaseId),
                UpdateExpression: 'SET concludedAt = :at REMOVE #open',
                ConditionExpression: '#mode = :done AND attribute_not_exists(concludedAt)',
                ExpressionAttributeNames: { '#mode': 'mode', '#open': 'open' },
                ExpressionAttributeValues: { ':at': at, ':done': 'done' },
              },
            },
          ],
        }),
      ),
    );
  } catch (error) {
    // Closed before: both conditions fail together, because both were written together.
    if (!isNamed(error, 'TransactionCanceledException')) throw error;
    const get = new GetCommand({
      TableName: table,
      Key: releaseKey(release.releaseId),
      ConsistentRead: true,
    });
    const { Item } = await orTransient('table releases', client.send(get));
    if (Item?.concludedAt === undefined)
      throw new TransientError(`release ${release.releaseId} could not be closed`, { cause: error });
  }
};
