import { type DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';
import { leaveWaiting } from '#releases/adapters/dynamodb-waiting.ts';
import { lockKey, releaseKey, targetLockKey } from '#releases/keys.ts';
import type { Release } from '#releases/release.ts';

const deleteOwn = (table: string, lock: Record<string, string>, { releaseId }: Release) => ({
  Delete: {
    TableName: table,
    Key: lock,
    ConditionExpression: 'releaseId = :releaseId',
    ExpressionAttributeValues: { ':releaseId': releaseId },
  },
});

/**
 * Locks and open mark go in one write; the locks only while they are this release's own. A release that waited to its end
 * has none: it leaves its place first, so that whoever is cut off in between comes here again.
 */
export const closeRelease = async (
  client: DynamoDBDocumentClient,
  table: string,
  release: Release,
  at: string,
): Promise<void> => {
  if (release.waiting) await leaveWaiting(client, table, release);
  const locks = release.waiting
    ? []
    : [
        lockKey(release.service, release.environment),
        ...release.waves.map(({ target }) => targetLockKey(target)),
      ];
  try {
    await orTransient(
      'table releases',
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            ...locks.map((lock) => deleteOwn(table, lock, release)),
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
    // Closed before: all conditions fail together, because all were written together.
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
