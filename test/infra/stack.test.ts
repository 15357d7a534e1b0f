import { describe, expect, it } from 'vitest';
import { ALL_ROUTES } from '../../functions/api/routes.ts';
import { CALLBACK_URLS } from '../../functions/api/sign-in-schema.ts';
import { isOpen, routeKey } from '../../functions/platform/route.ts';
import { referencesIn, Synthesized } from './synthesized.ts';

const stages = { local: new Synthesized('local'), team: new Synthesized('team') };
const { local, team } = stages;

const both = Object.entries(stages).map(([stage, stack]) => ({ stage, stack }));

describe('the stack', () => {
  it.each(both)('has no circle that CloudFormation could not deploy: $stage', ({ stack }) => {
    const open = new Set<string>();
    const done = new Set<string>();
    const visit = (id: string, way: readonly string[]): void => {
      const resource = stack.resources[id];
      if (resource === undefined || done.has(id)) return;
      if (open.has(id)) throw new Error(`a circle: ${[...way, id].join(' → ')}`);
      open.add(id);
      const { Properties, DependsOn = [] } = resource;
      for (const next of new Set([...referencesIn(Properties), ...DependsOn])) visit(next, [...way, id]);
      open.delete(id);
      done.add(id);
    };
    for (const id of Object.keys(stack.resources)) visit(id, []);
    expect(done.size).toBe(Object.keys(stack.resources).length);
  });

  it('names everything after its stage, so that two can stand in one account', () => {
    const named = (stack: Synthesized) =>
      Object.values(stack.resources).flatMap(({ Type, Properties = {} }) =>
        Object.entries<unknown>(Properties).flatMap(([key, value]) =>
          /^(Name|[A-Z]\w+Name)$/.test(key) && typeof value === 'string' ? [`${Type} ${key} ${value}`] : [],
        ),
      );
    const other = new Synthesized('team', { name: 'other' });
    expect(other.stack.stackName).not.toBe(team.stack.stackName);
    const taken = new Set(named(other));
    const shared = named(team).filter((name) => taken.has(name));
    // Names within something that has a name of its own.
    const inner =
      /AttributeName|IndexName|StageName|PolicyName|GroupName sluice:|MetricName|Authorizer Name|ResourceServer Name|AppConfig::(Environment|ConfigurationProfile) Name/;
    expect(shared.filter((name) => !inner.test(name))).toEqual([]);
  });

  it('can be deleted in the local stage and not in the team stage', () => {
    expect(team.stack.terminationProtection).toBe(true);
    expect(local.stack.terminationProtection).toBe(false);
  });
});

describe('what a team must not lose', () => {
  const kept = [
    'AWS::DynamoDB::Table',
    'AWS::Cognito::UserPool',
    'AWS::KMS::Key',
    'AWS::Logs::LogGroup',
    'AWS::S3::Bucket',
  ];

  it.each(kept)('stays when the stack goes: %s', (type) => {
    expect(team.all(type).length).toBeGreaterThan(0);
    for (const { id, DeletionPolicy, UpdateReplacePolicy } of team.all(type)) {
      expect(DeletionPolicy, id).toBe('Retain');
      expect(UpdateReplacePolicy, id).toBe('Retain');
    }
    for (const { id, DeletionPolicy } of local.all(type)) expect(DeletionPolicy, id).toBe('Delete');
  });

  it('is refused deletion, and tables can be restored to any second', () => {
    for (const { id, Properties } of team.all('AWS::DynamoDB::Table')) {
      expect(Properties.DeletionProtectionEnabled, id).toBe(true);
      expect(Properties.PointInTimeRecoverySpecification, id).toEqual({ PointInTimeRecoveryEnabled: true });
      expect(Properties.SSESpecification, id).toEqual({ SSEEnabled: true });
      expect(Properties.BillingMode, id).toBe('PAY_PER_REQUEST');
    }
    for (const { id, Properties } of team.all('AWS::Cognito::UserPool'))
      expect(Properties.DeletionProtection, id).toBe('ACTIVE');
  });

  it('is told by logs for a year, and no log for ever', () => {
    for (const { config, all } of both.map(({ stack }) => ({
      config: stack.config,
      all: stack.all.bind(stack),
    })))
      for (const { id, Properties } of all('AWS::Logs::LogGroup'))
        expect(Properties.RetentionInDays, id).toBe(config.logRetentionDays);
    expect(team.config.logRetentionDays).toBe(365);
  });
});

describe('queues', () => {
  it.each(both)('are encrypted, keep messages for two weeks, and refuse plain HTTP: $stage', ({ stack }) => {
    for (const { id, Properties } of stack.all('AWS::SQS::Queue')) {
      expect(Properties.SqsManagedSseEnabled, id).toBe(true);
      expect(Properties.MessageRetentionPeriod, id).toBe(14 * 86_400);
      const policies = stack
        .all('AWS::SQS::QueuePolicy')
        .filter((policy) => referencesIn(policy.Properties.Queues).includes(id));
      const denied = policies.flatMap(({ Properties: { PolicyDocument } }) =>
        PolicyDocument.Statement.filter(
          (statement: Record<string, unknown>) =>
            statement.Effect === 'Deny' &&
            JSON.stringify(statement.Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
        ),
      );
      expect(denied, id).toHaveLength(1);
    }
  });
});

describe('what is delivered later', () => {
  it('ends somewhere when nobody takes it: rules and schedules', () => {
    const targets = [
      ...team.all('AWS::Events::Rule').flatMap(({ Properties }) => Properties.Targets),
      ...team.all('AWS::Scheduler::Schedule').map(({ Properties }) => Properties.Target),
    ];
    expect(targets.length).toBeGreaterThanOrEqual(5);
    for (const target of targets) {
      expect(referencesIn(target.DeadLetterConfig), JSON.stringify(target.Arn)).toHaveLength(1);
      // Lambda takes an event in at once and tries by itself: then it is the function's own dead-letter queue that counts.
      const { Properties } = team.functionBehind(target.Arn);
      expect(referencesIn(Properties.DeadLetterConfig), Properties.FunctionName).toHaveLength(1);
    }
  });

  /** Only woken: what is new it finds out by itself, and with the next call at the latest. */
  const WOKEN = ['sluice-index-records'];

  it('ends somewhere when nobody takes it: streams and queues', () => {
    for (const { id, Properties } of team.all('AWS::Lambda::EventSourceMapping')) {
      if (WOKEN.includes(team.functionBehind(Properties.FunctionName).Properties.FunctionName)) continue;
      const [source = ''] = referencesIn(Properties.EventSourceArn);
      const from = team.resources[source];
      const end =
        from?.Type === 'AWS::SQS::Queue'
          ? from.Properties.RedrivePolicy?.deadLetterTargetArn
          : Properties.DestinationConfig?.OnFailure?.Destination;
      expect(referencesIn(end), id).toHaveLength(1);
      expect(Properties.FunctionResponseTypes, id).toEqual(['ReportBatchItemFailures']);
    }
  });
});

describe('the API', () => {
  const rows = ALL_ROUTES.flatMap((table) => Object.values(table));
  const routes = team.all('AWS::ApiGatewayV2::Route');

  it('has exactly the routes of the tables', () => {
    expect(routes.map(({ Properties }) => Properties.RouteKey).toSorted()).toEqual(
      rows.map(routeKey).toSorted(),
    );
  });

  it.each(rows.map((row) => ({ key: routeKey(row), row })))(
    'asks for a token unless public: $key',
    ({ key, row }) => {
      const route = routes.find(({ Properties }) => Properties.RouteKey === key)?.Properties;
      expect(route.AuthorizationType).toBe(isOpen(row) ? 'NONE' : 'JWT');
      const [authorizer = ''] = referencesIn(route.AuthorizerId);
      expect(team.resources[authorizer]?.Type).toBe(
        isOpen(row) ? undefined : 'AWS::ApiGatewayV2::Authorizer',
      );
    },
  );

  it('is public for nothing but health and its description', () => {
    expect(rows.filter(({ roles }) => roles === 'public').map(routeKey)).toEqual([
      'GET /v1/health',
      'GET /v1/openapi.json',
    ]);
  });

  it("lets a signature stand for a token at GitHub's door alone", () => {
    expect(rows.filter(({ roles }) => roles === 'signed').map(routeKey)).toEqual([
      'POST /v1/integrations/github',
    ]);
  });

  it("believes the pool's tokens only, and those of its own client", () => {
    const [{ Properties } = expect.fail('no authorizer')] = team.all('AWS::ApiGatewayV2::Authorizer');
    const types = (value: unknown) => referencesIn(value).map((id) => team.resources[id]?.Type);
    expect(types(Properties.JwtConfiguration.Audience)).toEqual(['AWS::Cognito::UserPoolClient']);
    expect(types(Properties.JwtConfiguration.Issuer)).toContain('AWS::Cognito::UserPool');
  });

  it('takes no more requests than configured, and logs each', () => {
    const [{ Properties } = expect.fail('no stage')] = team.all('AWS::ApiGatewayV2::Stage');
    expect(Properties.DefaultRouteSettings.ThrottlingRateLimit).toBe(team.config.apiRequestsPerSecond);
    expect(Properties.DefaultRouteSettings.ThrottlingBurstLimit).toBe(2 * team.config.apiRequestsPerSecond);
    expect(referencesIn(Properties.AccessLogSettings.DestinationArn)).toHaveLength(1);
  });
});

describe('people', () => {
  it('of a team need a second factor and are made by administrators', () => {
    const [{ Properties } = expect.fail('no pool')] = team.all('AWS::Cognito::UserPool');
    expect(Properties.MfaConfiguration).toBe('ON');
    expect(Properties.EnabledMfas).toEqual(['SOFTWARE_TOKEN_MFA']);
    expect(Properties.AdminCreateUserConfig.AllowAdminCreateUserOnly).toBe(true);
  });

  it('sign in at a page of their own, by code, and get tokens that are good for Sluice only', () => {
    const [{ Properties } = expect.fail('no client')] = team.all('AWS::Cognito::UserPoolClient');
    expect(Properties.AllowedOAuthFlows).toEqual(['code']);
    expect(Properties.AllowedOAuthFlowsUserPoolClient).toBe(true);
    expect(Properties.GenerateSecret).toBe(false);
    expect(Properties.CallbackURLs).toEqual(CALLBACK_URLS);
    expect(JSON.stringify(Properties.AllowedOAuthScopes)).toMatch(/^\[\{"Fn::Join":.*"\/api"\]\]\}\]$/);
    expect(Properties.EnableTokenRevocation).toBe(true);
  });

  it('find that page at an address that no other account has, or the one that was chosen', () => {
    const domain = (stack: Synthesized) => stack.all('AWS::Cognito::UserPoolDomain')[0]?.Properties.Domain;
    expect(JSON.stringify(domain(team))).toMatch(/"sluice-".*AWS::StackId/);
    expect(domain(new Synthesized('team', { signInDomainPrefix: 'our-people' }))).toBe('our-people');
  });

  it('send a plain password in the local stage only', () => {
    const flows = (stack: Synthesized) =>
      stack.all('AWS::Cognito::UserPoolClient')[0]?.Properties.ExplicitAuthFlows;
    expect(flows(local)).toContain('ALLOW_USER_PASSWORD_AUTH');
    expect(flows(team).toSorted()).toEqual(['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH']);
  });
});
