import { AppConfigClient } from '@aws-sdk/client-appconfig';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/**
 * How long a call may take, so that a hanging dependency becomes an error inside the function's own time: the SDK's
 * defaults wait without end. The workflows do the longer retries.
 */
export interface Patience {
  readonly attempts: number;
  readonly seconds: number;
}

export const PATIENT: Patience = { attempts: 3, seconds: 5 };

/** For what a restore asks on its way: it goes ahead without an answer, so it doesn't wait long for one. */
export const IMPATIENT: Patience = { attempts: 2, seconds: 1.5 };

/** For calls to our own functions that do real work and may start cold. */
const WORKING: Patience = { attempts: 2, seconds: 15 };

/** The same for a restore: a cold start and an append fit in, a writer that hangs doesn't hold traffic up. */
export const WORKING_IMPATIENT: Patience = { attempts: 1, seconds: 3 };

/**
 * For routing that has no revision of its own: between the comparison and the end of the write somebody else's write
 * goes unseen, so that time is kept short. One try, and the workflow does the next ones.
 */
const BRIEF: Patience = { attempts: 1, seconds: 2 };

/**
 * For a team's own shifter function. One try: the workflow does the next ones. A shift asks three times, and has to end
 * within its function's 30 s.
 */
export const SHIFTING: Patience = { attempts: 1, seconds: 8 };

/** For what is worth a warning and no more: a call from the API's own time, whose answer may be missing. */
export const ADVISORY: Patience = { attempts: 1, seconds: 12 };

/** Without a region: the function's own. */
const bounded = ({ attempts, seconds }: Patience, region?: string) => ({
  ...(region !== undefined && { region }),
  maxAttempts: attempts,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: seconds * 1_000,
    throwOnRequestTimeout: true,
  },
});

export const dynamoDb = (patience: Patience = PATIENT): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient(bounded(patience)), {
    marshallOptions: { removeUndefinedValues: true },
  });

export const lambda = (region?: string): LambdaClient => new LambdaClient(bounded(PATIENT, region));
export const lambdaInvoker = (patience: Patience = WORKING, region?: string): LambdaClient =>
  new LambdaClient(bounded(patience, region));
export const stepFunctions = (): SFNClient => new SFNClient(bounded(PATIENT));
export const eventBridge = (): EventBridgeClient => new EventBridgeClient(bounded(PATIENT));
export const queues = (patience: Patience = PATIENT): SQSClient => new SQSClient(bounded(patience));
export const keyManagement = (): KMSClient => new KMSClient(bounded(PATIENT));
export const objectStore = (): S3Client => new S3Client(bounded(PATIENT));
export const parameterStore = (region?: string): SSMClient => new SSMClient(bounded(PATIENT, region));
export const cloudWatch = (region?: string): CloudWatchClient =>
  new CloudWatchClient(bounded(PATIENT, region));
export const loadBalancers = (region?: string): ElasticLoadBalancingV2Client =>
  new ElasticLoadBalancingV2Client(bounded(BRIEF, region));
export const containers = (region?: string): ECSClient => new ECSClient(bounded(BRIEF, region));
export const appConfig = (region?: string, patience: Patience = BRIEF): AppConfigClient =>
  new AppConfigClient(bounded(patience, region));
/** Whoever reads the kill switches goes on without them. */
export const appConfigData = (): AppConfigDataClient => new AppConfigDataClient(bounded(IMPATIENT));
export const iam = (): IAMClient => new IAMClient(bounded(PATIENT));
export const cloudFormation = (region?: string): CloudFormationClient =>
  new CloudFormationClient(bounded(PATIENT, region));
