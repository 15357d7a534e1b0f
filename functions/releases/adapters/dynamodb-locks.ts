import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { orTransient } from '#platform/aws-errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { lockKey } from '#releases/keys.ts';

/** Whether a release of a service's environment is at work, and which: read from its lock, consistently. */
export type ActiveRelease = (service: string, environment: string) => Promise<ReleaseId | undefined>;

export const dynamoDbLocks =
  (client: DynamoDBDocumentClient, table: string): ActiveRelease =>
  async (service, environment) => {
    const command = new GetCommand({
      TableName: table,
      Key: lockKey(service, environment),
      ConsistentRead: true,
    });
    const { Item } = await orTransient('table releases', client.send(command));
    return Item?.releaseId as ReleaseId | undefined;
  };
