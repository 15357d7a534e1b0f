import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { releaseKey } from '#releases/keys.ts';
import { type Release, releaseSchema } from '#releases/release.ts';

/** A release as an item holds it, which has keys and marks of the table besides. */
export const storedSchema = releaseSchema.strip();

/** Every attribute is written `#name`, because DynamoDB reserves hundreds of words and says so only at run time. */
const namesIn = (...expressions: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    expressions.flatMap((expression) =>
      [...expression.matchAll(/#(\w+)/g)].map(([placeholder, name]) => [placeholder, name ?? '']),
    ),
  );

/** A release's one item: read consistently, changed by one conditional write. */
export const dynamoDbReleaseItem = (client: DynamoDBDocumentClient, table: string) => {
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

  return { get, update };
};
