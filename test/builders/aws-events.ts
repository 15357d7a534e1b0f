import { randomUUID } from 'node:crypto';

type Members = Readonly<Record<string, unknown>>;

export const ACCOUNT = '123456789012';

const envelope = (source: string, detailType: string, detail: unknown) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': detailType,
  source,
  account: ACCOUNT,
  time: '2026-01-05T10:00:00Z',
  region: 'eu-west-1',
  resources: [],
  detail,
});

/** As the CodePipeline User Guide has it. */
export const pipelineEvent = (state: string, over: Members = {}) =>
  envelope('aws.codepipeline', 'CodePipeline Pipeline Execution State Change', {
    pipeline: 'deploy-checkout',
    'execution-id': '01234567-0123-0123-0123-012345678901',
    state,
    version: 3.0,
    'execution-trigger': {
      'trigger-type': 'StartPipelineExecution',
      'trigger-detail': 'arn:aws:iam::1:user/ann',
    },
    ...over,
  });

export const session = (role: string, name = 'ann', account = ACCOUNT): Members => ({
  type: 'AssumedRole',
  principalId: `AROAEXAMPLE:${name}`,
  arn: `arn:aws:sts::${account}:assumed-role/${role}/${name}`,
  accountId: account,
  sessionContext: {
    sessionIssuer: {
      type: 'Role',
      arn: `arn:aws:iam::${account}:role/${role}`,
      accountId: account,
      userName: role,
    },
  },
});

/** What no record may hold. */
export const SECRETS = ['198.51.100.7', 'aws-cli/2', 'AKIAEXAMPLE', 'a value that nobody may see'] as const;

/** A call as CloudTrail tells it (CloudTrail User Guide, "Record contents"). */
export const callEvent = (
  eventSource: string,
  eventName: string,
  requestParameters: Members,
  { by = session('deployer'), ...over }: Members & { readonly by?: Members } = {},
) =>
  envelope(`aws.${eventSource}`, 'AWS API Call via CloudTrail', {
    eventVersion: '1.08',
    userIdentity: { ...by, accessKeyId: SECRETS[2] },
    eventTime: '2026-01-05T09:59:58Z',
    eventSource: `${eventSource}.amazonaws.com`,
    eventName,
    awsRegion: 'eu-west-1',
    sourceIPAddress: SECRETS[0],
    userAgent: SECRETS[1],
    requestParameters,
    responseElements: null,
    requestID: randomUUID(),
    eventID: randomUUID(),
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    ...over,
  });
