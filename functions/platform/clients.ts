import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/**
 * Each call is bounded, so that a hanging dependency becomes an error inside the function's own time: the SDK's
 * defaults wait without end. Two retries of the SDK's own; the workflows do the longer ones.
 */
const bounded = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
} as const;

export const dynamoDb = (): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient(bounded), {
    marshallOptions: { removeUndefinedValues: true },
  });

export const lambda = (region?: string): LambdaClient =>
  new LambdaClient({ ...bounded, ...(region !== undefined && { region }) });

/** For calls to our own functions that do real work and may take longer than a plain control-plane call. */
export const lambdaInvoker = (): LambdaClient =>
  new LambdaClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 15_000, throwOnRequestTimeout: true },
  });

export const stepFunctions = (): SFNClient => new SFNClient(bounded);
export const eventBridge = (): EventBridgeClient => new EventBridgeClient(bounded);
export const queues = (): SQSClient => new SQSClient(bounded);

export const cloudWatch = (region?: string): CloudWatchClient =>
  new CloudWatchClient({ ...bounded, ...(region !== undefined && { region }) });
