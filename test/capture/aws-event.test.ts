import { describe, expect, it } from 'vitest';
import { recordsOfAwsEvent } from '#capture/aws-event.ts';
import { recordDraftSchema } from '#ledger/record.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { InvalidRequestError } from '#platform/errors.ts';
import { regionOfArn } from '#policy/alb-target-schema.ts';
import { albTarget, groupArn, RULE_ARN } from '../builders/alb.ts';
import { callEvent, pipelineEvent, SECRETS, session } from '../builders/aws-events.ts';
import { aDefinition, aRegisteredService } from '../builders/service.ts';

const shop = aRegisteredService({
  service: 'shop',
  definition: aDefinition({
    environments: { production: { target: albTarget, metrics: { source: 'cloudwatch', invokedBy: 'http' } } },
  }),
});

const own = {
  prefix: 'sluice',
  ids: ['eu-west-1_Pool', 'api123'],
  roles: ['Sluice-ShiftTraffic-1', 'Sluice-Other-2'],
};
/** A call where the builders' load balancer is. */
const thereEvent = (...call: Parameters<typeof callEvent>) => ({
  ...callEvent(...call),
  region: regionOfArn(RULE_ARN),
});

let asked = 0;
const world = {
  own,
  services: async () => {
    asked += 1;
    return [aRegisteredService(), shop];
  },
};

const recordsOf = async (event: unknown) => {
  const captured = await recordsOfAwsEvent(event, world);
  if (captured === undefined) return [];
  expect(appendBatchSchema.safeParse(JSON.parse(JSON.stringify(captured))).error).toBeUndefined();
  return captured.records.map((record) => recordDraftSchema.parse(record));
};

const FUNCTION = 'checkout';
const ARN = `arn:aws:lambda:eu-west-1:123456789012:function:${FUNCTION}`;

describe('an execution of a pipeline', () => {
  it.each(['STARTED', 'SUCCEEDED', 'FAILED', 'CANCELED'])('is told when it is %s', async (state) => {
    expect(await recordsOf(pipelineEvent(state))).toMatchObject([
      {
        event: { type: 'pipeline.execution', timestamp: '2026-01-05T10:00:00.000Z' },
        change: { status: state.toLowerCase() },
        actor: { login: 'codepipeline/deploy-checkout', kind: 'pipeline', via: 'event' },
        data: { pipeline: 'deploy-checkout', executionId: '01234567-0123-0123-0123-012345678901' },
      },
    ]);
  });

  it('is one batch however often its event comes', async () => {
    const event = pipelineEvent('STARTED');
    expect(await recordsOfAwsEvent(event, world)).toEqual(await recordsOfAwsEvent(event, world));
  });
});

describe('a call on a target', () => {
  it.each([
    ['its name', FUNCTION],
    ['its ARN', ARN],
    ['a version of it', `${ARN}:3`],
    ['a part of its ARN', `123456789012:function:${FUNCTION}`],
  ])('is told of the service and environment that it is the target of, by %s', async (_, functionName) => {
    const event = callEvent('lambda', 'UpdateAlias20150331', {
      functionName,
      name: 'live',
      functionVersion: '9',
    });
    expect(await recordsOf(event)).toMatchObject([
      {
        event: { type: 'change.target', timestamp: '2026-01-05T09:59:58.000Z' },
        change: { service: 'checkout', environment: 'production', status: 'changed' },
        actor: { login: 'deployer/ann', kind: 'pipeline', authenticated: true, via: 'event' },
        data: {
          call: 'UpdateAlias',
          service: 'lambda.amazonaws.com',
          target: expect.stringContaining('live'),
        },
      },
    ]);
  });

  it('of its function is told of each environment that uses it', async () => {
    const records = await recordsOf(
      callEvent('lambda', 'UpdateFunctionCode20150331v2', { functionName: FUNCTION }),
    );
    expect(records.map(({ change }) => change.environment)).toEqual(['production', 'staging']);
  });

  it.each([
    ['another alias', callEvent('lambda', 'UpdateAlias20150331', { functionName: FUNCTION, name: 'canary' })],
    [
      'another function',
      callEvent('lambda', 'UpdateAlias20150331', { functionName: 'checkout-2', name: 'live' }),
    ],
    ['another service of AWS', callEvent('sns', 'UpdateAlias', { functionName: FUNCTION, name: 'live' })],
    ['reading', callEvent('lambda', 'GetAlias20150331', { functionName: FUNCTION, name: 'live' })],
    ['another rule', thereEvent('elasticloadbalancing', 'ModifyRule', { ruleArn: `${RULE_ARN}0` })],
    [
      'instances that come and go',
      thereEvent('elasticloadbalancing', 'RegisterTargets', { targetGroupArn: groupArn('blue') }),
    ],
  ])('is not what is about %s', async (_, event) => {
    expect(await recordsOf(event)).toEqual([]);
  });

  it.each([
    ['ModifyRule', { ruleArn: RULE_ARN, actions: [] }],
    ['SetRulePriorities', { rulePriorities: [{ ruleArn: RULE_ARN, priority: 1 }] }],
    ['ModifyTargetGroup', { targetGroupArn: groupArn('green') }],
  ])('of a load balancer is told: %s', async (name, parameters) => {
    expect(await recordsOf(thereEvent('elasticloadbalancing', name, parameters))).toMatchObject([
      { event: { type: 'change.target' }, change: { service: 'shop', environment: 'production' } },
    ]);
  });

  const pair = aRegisteredService({
    service: 'pair',
    definition: aDefinition({
      environments: {
        production: {
          target: {
            kind: 'ecs',
            ruleArn: RULE_ARN,
            cluster: 'shop',
            services: {
              blue: { service: 'shop-blue', targetGroupArn: groupArn('blue') },
              green: { service: 'shop-green', targetGroupArn: groupArn('green') },
            },
            container: 'app',
          },
          metrics: { source: 'cloudwatch', invokedBy: 'http' },
        },
      },
    }),
  });
  const flag = aRegisteredService({
    service: 'flag',
    definition: aDefinition({
      environments: {
        production: {
          target: {
            kind: 'appconfig-flag',
            applicationId: 'abc1234',
            environmentId: 'def5678',
            profileId: 'ghi9012',
            flag: 'checkout',
            deploymentStrategyId: 'jkl3456',
          },
          metrics: { source: 'lambda', functionName: 'counts' },
        },
      },
    }),
  });

  it.each([
    ['ecs', 'UpdateService', { cluster: 'shop', service: 'shop-blue', desiredCount: 0 }, 1],
    [
      'ecs',
      'UpdateService',
      {
        cluster: 'arn:aws:ecs:eu-west-1:1:cluster/shop',
        service: 'arn:aws:ecs:eu-west-1:1:service/shop/shop-green',
      },
      1,
    ],
    [
      'ecs',
      'StopServiceDeployment',
      { serviceDeploymentArn: 'arn:aws:ecs:eu-west-1:1:service-deployment/shop/shop-green/Ab12' },
      1,
    ],
    [
      'ecs',
      'ContinueServiceDeployment',
      { serviceDeploymentArn: 'arn:aws:ecs:eu-west-1:1:service-deployment/shop/shop-blue/Ab12' },
      1,
    ],
    [
      'ecs',
      'StopServiceDeployment',
      { serviceDeploymentArn: 'arn:aws:ecs:eu-west-1:1:service-deployment/other/shop-blue/Ab12' },
      0,
    ],
    ['ecs', 'UpdateService', { cluster: 'other', service: 'shop-blue' }, 0],
    ['ecs', 'UpdateService', { service: 'shop-blue' }, 0],
    ['elasticloadbalancing', 'ModifyRule', { ruleArn: RULE_ARN }, 1],
    [
      'appconfig',
      'StartDeployment',
      { applicationId: 'abc1234', environmentId: 'def5678', configurationProfileId: 'ghi9012' },
      1,
    ],
    [
      'appconfig',
      'StartDeployment',
      { applicationId: 'abc1234', environmentId: 'def5678', configurationProfileId: 'other' },
      0,
    ],
    ['appconfig', 'DeleteApplication', { applicationId: 'abc1234' }, 1],
    ['appconfig', 'DeleteApplication', { applicationId: 'other' }, 0],
  ])('is told of targets of ECS and AppConfig: %s %s %j', async (source, name, parameters, count) => {
    const captured = await recordsOfAwsEvent(thereEvent(source, name, parameters), {
      own,
      services: async () => [source === 'appconfig' ? flag : pair],
    });
    expect(captured?.records.length ?? 0).toBe(count);
  });

  it.each([
    ['its own', 'eu-west-1', 'eu-west-1', 1],
    ['another', 'eu-central-1', 'eu-west-1', 0],
    ['another, told of from there', 'eu-central-1', 'eu-central-1', 1],
    ['none that it names', undefined, 'eu-west-1', 1],
  ])('is told of a target in the region of the call: %s', async (_, region, calledIn, count) => {
    const production = {
      target: { kind: 'lambda-alias', functionName: FUNCTION, alias: 'live', ...(region && { region }) },
      metrics: { source: 'cloudwatch', invokedBy: 'event' },
    } as const;
    const service = aRegisteredService({ definition: aDefinition({ environments: { production } }) });
    const parameters = { functionName: FUNCTION, name: 'live' };
    const event = { ...callEvent('lambda', 'UpdateAlias20150331', parameters), region: calledIn };
    const captured = await recordsOfAwsEvent(event, { own, services: async () => [service] });
    expect(captured?.records ?? []).toHaveLength(count);
  });

  it('that AWS refused is told as refused, and why', async () => {
    const parameters = { functionName: FUNCTION, name: 'live' };
    const event = callEvent('lambda', 'UpdateAlias20150331', parameters, { errorCode: 'AccessDenied' });
    expect(await recordsOf(event)).toMatchObject([
      { change: { status: 'refused' }, data: { errorCode: 'AccessDenied' } },
    ]);
  });
});

describe('who called', () => {
  const by = (identity: object) =>
    recordsOfAwsEvent(
      callEvent(
        'lambda',
        'DeleteAlias20150331',
        { functionName: FUNCTION, name: 'live' },
        { by: identity as never },
      ),
      world,
    );

  it('is nobody to tell of when it is a role of ours: releases do that', async () => {
    asked = 0;
    expect(await by(session('Sluice-ShiftTraffic-1'))).toBeUndefined();
    expect(asked).toBe(0);
  });

  it.each([
    ['in another account', session('Sluice-ShiftTraffic-1', 'x', '999999999999')],
    ['that begins alike', session('Sluice-ShiftTraffic-10')],
    ['only by the name of its session', session('deployer', 'Sluice-ShiftTraffic-1')],
    ['as a user', { type: 'IAMUser', userName: 'Sluice-ShiftTraffic-1', arn: 'arn:aws:iam::1:user/x' }],
    [
      'whose issuer is no role',
      {
        ...session('Sluice-ShiftTraffic-1'),
        sessionContext: {
          sessionIssuer: { type: 'User', userName: 'Sluice-ShiftTraffic-1', accountId: '123456789012' },
        },
      },
    ],
  ])('is told when it is one of ours %s', async (_, identity) => {
    expect((await by(identity))?.records).toHaveLength(1);
  });

  it.each([
    [
      session('AWSReservedSSO_Admin_0123', 'ann@example.com'),
      'AWSReservedSSO_Admin_0123/ann@example.com',
      'user',
    ],
    [{ type: 'IAMUser', userName: 'ann', arn: 'arn:aws:iam::1:user/ann' }, 'ann', 'user'],
    [{ type: 'Root', arn: 'arn:aws:iam::123456789012:root' }, 'root', 'user'],
    [{ type: 'AWSService', invokedBy: 'autoscaling.amazonaws.com' }, 'autoscaling.amazonaws.com', 'system'],
    [{}, 'unknown', 'pipeline'],
  ])('is known by what AWS says: %j', async (identity, login, kind) => {
    expect((await by(identity))?.records[0]?.actor).toEqual({
      login,
      kind,
      authenticated: true,
      via: 'event',
    });
  });
});

describe('a call on what is ours', () => {
  it.each([
    ['dynamodb', 'UpdateTable', { tableName: 'sluice-ledger' }],
    [
      'lambda',
      'UpdateFunctionCode20150331v2',
      { functionName: 'arn:aws:lambda:eu-west-1:1:function:sluice-shift-traffic' },
    ],
    ['monitoring', 'DisableAlarmActions', { alarmNames: ['other', 'sluice-LedgerTampered'] }],
    ['logs', 'DeleteLogGroup', { logGroupName: '/aws/lambda/sluice-append-records' }],
    [
      'states',
      'StopExecution',
      { executionArn: 'arn:aws:states:eu-west-1:1:execution:sluice-release:rel_1' },
    ],
    ['sqs', 'PurgeQueue', { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/sluice-late-records' }],
    ['cognito-idp', 'AdminAddUserToGroup', { userPoolId: 'eu-west-1_Pool', groupName: 'sluice:admin' }],
    ['apigateway', 'UpdateRoute', { apiId: 'api123', authorizationType: 'NONE' }],
    ['iam', 'PutRolePolicy', { roleName: 'Sluice-Other-2' }],
    ['sns', 'Unsubscribe', { subscriptionArn: 'arn:aws:sns:eu-west-1:1:sluice-alarms:0123' }],
    ['sns', 'Subscribe', { topicArn: 'arn:aws:sns:eu-west-1:1:sluice-alarms', protocol: 'email' }],
    ['apigateway', 'ReimportApi', { apiId: 'api123' }],
    [
      'states',
      'RedriveExecution',
      { executionArn: 'arn:aws:states:eu-west-1:1:execution:sluice-release:rel_1' },
    ],
    ['cognito-idp', 'AdminLinkProviderForUser', { userPoolId: 'eu-west-1_Pool' }],
    ['cognito-idp', 'AdminUserGlobalSignOut', { userPoolId: 'eu-west-1_Pool', username: 'ann' }],
    ['kms', 'RevokeGrant', { keyId: 'arn:aws:kms:eu-west-1:1:alias/sluice-ledger', grantId: 'a' }],
    ['kms', 'RotateKeyOnDemand', { keyId: 'arn:aws:kms:eu-west-1:1:alias/sluice-ledger' }],
    ['ssm', 'LabelParameterVersion', { name: '/sluice-live/webhook' }],
  ])('is told: %s %s', async (source, name, parameters) => {
    expect(await recordsOf(callEvent(source, name, parameters))).toMatchObject([
      { event: { type: 'change.sluice' }, data: { resources: [expect.any(String)] } },
    ]);
  });

  it.each([
    ['signing in', callEvent('cognito-idp', 'AdminInitiateAuth', { userPoolId: 'eu-west-1_Pool' })],
    ['asking logs', callEvent('logs', 'StartQuery', { logGroupName: '/aws/lambda/sluice-append-records' })],
    [
      'watching logs',
      callEvent('logs', 'StartLiveTail', {
        logGroupIdentifiers: ['arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/sluice-append-records'],
      }),
    ],
    [
      'a verb that only begins like one that changes something',
      callEvent('dynamodb', 'SettleTable', { tableName: 'sluice-ledger' }),
    ],
    [
      'something of a name that only begins alike',
      callEvent('dynamodb', 'UpdateTable', { tableName: 'sluicegate' }),
    ],
    ['nothing at all', callEvent('dynamodb', 'UpdateTable', {})],
  ])('is not %s', async (_, event) => {
    expect(await recordsOf(event)).toEqual([]);
  });

  it('keeps names of resources and nothing else of a request, however it is made', async () => {
    let deep: object = { tableName: 'sluice-ledger' };
    for (let level = 0; level < 50; level += 1) deep = { deep };
    const event = callEvent('dynamodb', 'UpdateTable', {
      tableName: 'sluice-ledger',
      policy: `{"Resource":"arn:aws:dynamodb:::table/sluice-ledger","note":"${SECRETS[3]}"}`,
      value: SECRETS[3],
      deep,
      many: Array.from({ length: 10_000 }, (_, n) => `sluice-${n}`),
    });
    const [record, ...more] = await recordsOf(event);
    expect(more).toEqual([]);
    const text = JSON.stringify(record);
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    expect(record?.data.resources).toHaveLength(10);
  });
});

describe('other events', () => {
  it.each(['EC2 Instance State-change Notification', 'CodePipeline Stage Execution State Change'])(
    'are nothing to record: %s',
    async (detailType) => {
      expect(await recordsOf({ ...pipelineEvent('STARTED'), 'detail-type': detailType })).toEqual([]);
    },
  );

  it('are refused when they are not as AWS documents them', async () => {
    const { 'execution-id': _, ...detail } = pipelineEvent('STARTED').detail as Record<string, unknown>;
    for (const wrong of [
      {},
      null,
      { ...pipelineEvent('STARTED'), detail },
      { ...pipelineEvent('STARTED'), source: 'my.own' },
      { ...pipelineEvent('STARTED'), id: 'x' },
      { ...pipelineEvent('STARTED'), region: undefined },
      { ...callEvent('lambda', 'UpdateAlias', {}), detail: {} },
    ])
      await expect(recordsOfAwsEvent(wrong, world)).rejects.toThrow(InvalidRequestError);
  });
});
