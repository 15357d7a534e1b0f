import { type DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { serviceKey } from '#policy/keys.ts';
import { registeredServiceSchema } from '#policy/service-definition.ts';
import type { ServiceRegistry } from '#policy/service-registry.ts';

/** The registry on its DynamoDB table. Listing scans: a registry is hundreds of small items, and pages are bounded. */
export const dynamoDbServices = (client: DynamoDBDocumentClient, table: string): ServiceRegistry => ({
  get: async (service) => {
    const { Item } = await orTransient(
      'table services',
      client.send(new GetCommand({ TableName: table, Key: serviceKey(service), ConsistentRead: true })),
    );
    return Item === undefined ? undefined : registeredServiceSchema.parse(Item);
  },
  list: async ({ after, limit }) => {
    const { Items = [], LastEvaluatedKey } = await orTransient(
      'table services',
      client.send(
        new ScanCommand({
          TableName: table,
          Limit: limit,
          ConsistentRead: true,
          ...(after !== undefined && { ExclusiveStartKey: serviceKey(after) }),
        }),
      ),
    );
    const next = LastEvaluatedKey?.service as string | undefined;
    return {
      services: Items.map((item) => registeredServiceSchema.parse(item)),
      ...(next !== undefined && { next }),
    };
  },
  put: async (service) => {
    try {
      await orTransient(
        'table services',
        client.send(
          new PutCommand({
            TableName: table,
            Item: service,
            ConditionExpression:
              service.revision === 1 ? 'attribute_not_exists(service)' : 'revision = :previous',
            ...(service.revision > 1 && { ExpressionAttributeValues: { ':previous': service.revision - 1 } }),
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
