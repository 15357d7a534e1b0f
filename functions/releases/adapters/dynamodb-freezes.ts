import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { type EnvironmentState, environmentStateSchema, type FreezeStore } from '#releases/freeze.ts';
import { environmentKey } from '#releases/keys.ts';

const storedSchema = environmentStateSchema.strip();

export const readEnvironment = async (
  client: DynamoDBDocumentClient,
  table: string,
  environment: string,
): Promise<EnvironmentState> => {
  const command = new GetCommand({
    TableName: table,
    Key: environmentKey(environment),
    ConsistentRead: true,
  });
  const { Item } = await orTransient('table releases', client.send(command));
  return Item === undefined ? { environment, revision: 0, keys: [] } : storedSchema.parse(Item);
};

/** Environments as items of the table of releases, so that a reservation can check them in its own transaction. */
export const dynamoDbFreezes = (client: DynamoDBDocumentClient, table: string): FreezeStore => ({
  readEnvironment: (environment) => readEnvironment(client, table, environment),
  putEnvironment: async (state) => {
    try {
      await orTransient(
        'table releases',
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...environmentKey(state.environment), ...state },
            ConditionExpression: state.revision === 1 ? 'attribute_not_exists(pk)' : 'revision = :previous',
            ...(state.revision > 1 && { ExpressionAttributeValues: { ':previous': state.revision - 1 } }),
          }),
        ),
      );
      return true;
    } catch (error) {
      if (isNamed(error, 'ConditionalCheckFailedException')) return false;
      throw error;
    }
  },
});

/** For the transaction that reserves a release: fails while its environment is frozen. */
export const notFrozen = (table: string, environment: string, at: string) => ({
  ConditionCheck: {
    TableName: table,
    Key: environmentKey(environment),
    ConditionExpression:
      'attribute_not_exists(pk) OR attribute_not_exists(#freeze.#until) OR #freeze.#until <= :at',
    ExpressionAttributeNames: { '#freeze': 'freeze', '#until': 'until' },
    ExpressionAttributeValues: { ':at': at },
  },
});
