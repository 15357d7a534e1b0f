import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { type DeploymentStore, deploymentSchema } from '#rollout/deployment.ts';
import { deploymentKey } from '#rollout/keys.ts';

/** What is known of targets beside their releases, on its DynamoDB table. */
export const dynamoDbDeployments = (client: DynamoDBDocumentClient, table: string): DeploymentStore => ({
  get: async ({ service, environment, target }) => {
    const { Item } = await orTransient(
      'table deployments',
      client.send(
        new GetCommand({
          TableName: table,
          Key: deploymentKey(service, environment, target),
          ConsistentRead: true,
        }),
      ),
    );
    if (Item === undefined) return undefined;
    const { pk: _pk, sk: _sk, ...deployment } = Item;
    return deploymentSchema.parse(deployment);
  },
  put: async ({ service, environment, target }, deployment) => {
    const { revision } = deployment;
    try {
      await orTransient(
        'table deployments',
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...deploymentKey(service, environment, target), ...deployment },
            ConditionExpression: revision === 1 ? 'attribute_not_exists(pk)' : 'revision = :previous',
            ...(revision > 1 && { ExpressionAttributeValues: { ':previous': revision - 1 } }),
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
