import {
  type DynamoDBDocumentClient,
  GetCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { notFrozen } from '#releases/adapters/dynamodb-freezes.ts';
import { putNew } from '#releases/adapters/put-new.ts';
import { lockKey, releaseKey, targetLockKey, waitingKey } from '#releases/keys.ts';
import type { Release } from '#releases/release.ts';
import { type Admission, replacedBy } from '#releases/release-store.ts';

type Subject = Pick<Release, 'service' | 'environment'>;

/** Who has an item to itself: the active release of a lock, or the one that waits for it. */
export const holderOf = async (
  client: DynamoDBDocumentClient,
  table: string,
  Key: { readonly pk: string; readonly sk: string },
): Promise<ReleaseId | undefined> => {
  const command = new GetCommand({ TableName: table, Key, ConsistentRead: true });
  const { Item } = await orTransient('table releases', client.send(command));
  return Item?.releaseId as ReleaseId | undefined;
};

/** For the transaction that reserves a release: fails while another one waits for the same lock. */
export const nobodyWaits = (table: string, { service, environment }: Subject) => ({
  ConditionCheck: {
    TableName: table,
    Key: waitingKey(service, environment),
    ConditionExpression: 'attribute_not_exists(releaseId)',
  },
});

/** Takes the place of `waiter`, or of nobody. */
export const takePlace = (
  table: string,
  { releaseId, service, environment }: Release,
  waiter?: ReleaseId,
) => ({
  Update: {
    TableName: table,
    Key: waitingKey(service, environment),
    UpdateExpression: 'SET releaseId = :releaseId',
    ConditionExpression: waiter === undefined ? 'attribute_not_exists(releaseId)' : 'releaseId = :waiter',
    ExpressionAttributeValues: {
      ':releaseId': releaseId,
      ...(waiter !== undefined && { ':waiter': waiter }),
    },
  },
});

const leavePlace = (table: string, { releaseId, service, environment }: Release) => ({
  TableName: table,
  Key: waitingKey(service, environment),
  UpdateExpression: 'REMOVE releaseId',
  ConditionExpression: 'releaseId = :releaseId',
  ExpressionAttributeValues: { ':releaseId': releaseId },
});

/** The place goes only while it is this release's own; another one may have taken it long ago. */
export const leaveWaiting = async (
  client: DynamoDBDocumentClient,
  table: string,
  release: Release,
): Promise<void> => {
  try {
    await orTransient('table releases', client.send(new UpdateCommand(leavePlace(table, release))));
  } catch (error) {
    if (!isNamed(error, 'ConditionalCheckFailedException')) throw error;
  }
};

/** A transaction that reads is refused while another one writes what it reads. */
const readAtOnce = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await orTransient('table releases', call);
  } catch (error) {
    if (!isNamed(error, 'TransactionCanceledException')) throw error;
    throw new TransientError('the release is being changed just now; ask again', { cause: error });
  }
};

/**
 * Read at one moment: between reads one by one the release could be admitted, or another one in its stead, and the holder
 * of the lock would be taken for whom it waits behind.
 */
const explain = async (
  client: DynamoDBDocumentClient,
  table: string,
  { releaseId, service, environment }: Release,
): Promise<Admission> => {
  const keys = [
    releaseKey(releaseId),
    waitingKey(service, environment),
    lockKey(service, environment),
  ] as const;
  const command = new TransactGetCommand({
    TransactItems: keys.map((Key) => ({ Get: { TableName: table, Key } })),
  });
  const { Responses = [] } = await readAtOnce(client.send(command));
  const [present, place, lock] = Responses.map(({ Item }) => Item);
  if (present?.mode !== 'forward') return { kind: 'held' };
  if (present.waiting === undefined) return { kind: 'admitted' };
  const active = lock?.releaseId as ReleaseId | undefined;
  if (place?.releaseId !== releaseId) {
    const by = replacedBy(releaseId, place?.releaseId as ReleaseId | undefined, active);
    return { kind: 'replaced', ...(by !== undefined && { by }) };
  }
  return active === undefined ? { kind: 'held' } : { kind: 'behind', by: active };
};

/** The place left, the locks taken, the release no longer waiting: all or nothing, and not while nothing may start. */
export const admitRelease = async (
  client: DynamoDBDocumentClient,
  table: string,
  release: Release,
  at: string,
): Promise<Admission> => {
  const { releaseId, service, environment, waves } = release;
  try {
    await orTransient(
      'table releases',
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            notFrozen(table, environment, at),
            { Update: leavePlace(table, release) },
            putNew(table, { ...lockKey(service, environment), releaseId }),
            ...waves.map(({ target }) => putNew(table, { ...targetLockKey(target), releaseId })),
            {
              Update: {
                TableName: table,
                Key: releaseKey(releaseId),
                UpdateExpression: 'REMOVE #waiting',
                ConditionExpression: '#mode = :forward AND attribute_exists(#waiting)',
                ExpressionAttributeNames: { '#mode': 'mode', '#waiting': 'waiting' },
                ExpressionAttributeValues: { ':forward': 'forward' },
              },
            },
          ],
        }),
      ),
    );
    return { kind: 'admitted' };
  } catch (error) {
    if (!isNamed(error, 'TransactionCanceledException')) throw error;
    return explain(client, table, release);
  }
};
