import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import { beforeAll, describe, expect, it } from 'vitest';
import { type StageConfig, stageConfig } from '../../infra/config.ts';
import { GovernedFunction } from '../../infra/constructs/governed-function.ts';
import { Ledger } from '../../infra/constructs/ledger.ts';

interface Statement {
  readonly role: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const synthesize = (stage: StageConfig['stage']) => {
  const config = stageConfig(stage);
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Sluice');
  const ledger = new Ledger(stack, 'Ledger', { config, bus: new events.EventBus(stack, 'Bus') });
  const user = new GovernedFunction(stack, 'User', {
    config,
    slice: 'api',
    entry: 'serve-api',
    timeoutSeconds: 5,
  });
  ledger.grantAppend(user);
  ledger.grantSpool(user);
  ledger.grantReadByRelease(user);
  ledger.grantHealth(user);
  return Template.fromStack(stack);
};

const statementsOf = (template: Template): Statement[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) =>
    Properties.PolicyDocument.Statement.map((statement: Statement) => ({
      ...statement,
      role: JSON.stringify(Properties.Roles),
    })),
  );

const actionsOf = ({ Action }: Statement): readonly string[] =>
  typeof Action === 'string' ? [Action] : Action;

let team: Template;
let local: Template;
let recordsTable: string;

beforeAll(() => {
  team = synthesize('team');
  local = synthesize('local');
  const tables = team.findResources('AWS::DynamoDB::Table', { Properties: { TableName: 'sluice-ledger' } });
  recordsTable = Object.keys(tables)[0] ?? '';
});

/** Statements that reach the table of records, its index and streams included. */
const onRecords = () =>
  statementsOf(team).filter(({ Resource }) => JSON.stringify(Resource).includes(recordsTable));

describe('who may touch the ledger', () => {
  it('is one role that may put, inside a transaction only', () => {
    const putting = onRecords().filter((statement) => actionsOf(statement).includes('dynamodb:PutItem'));
    expect(putting).toHaveLength(1);
    expect(putting[0]?.role).toContain('AppendRecords');
    expect(putting[0]?.Condition).toEqual({
      'ForAnyValue:StringEquals': { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] },
    });
  });

  it('is nobody who may update or delete, or do whatever comes', () => {
    const harmless = new Set([
      'dynamodb:PutItem',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:BatchGetItem',
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
    ]);
    for (const statement of onRecords())
      for (const action of actionsOf(statement)) expect(harmless).toContain(action);
    for (const statement of statementsOf(team)) {
      const everywhere = JSON.stringify(statement.Resource) === '"*"';
      for (const action of actionsOf(statement)) {
        expect(action).not.toContain('*');
        if (everywhere) expect(action).toMatch(/^xray:/);
      }
    }
  });

  it('is not whoever appends: that one may call the writer, in any published version, and no table', () => {
    const user = statementsOf(team).filter(({ role }) => role.includes('"UserRole'));
    const writing = user.filter((statement) =>
      actionsOf(statement).some((action) => /Put|Update|Delete|Write/.test(action)),
    );
    expect(writing.filter(({ Resource }) => JSON.stringify(Resource).includes(recordsTable))).toEqual([]);
    const invoking = user.filter((statement) => actionsOf(statement).includes('lambda:InvokeFunction'));
    expect(JSON.stringify(invoking)).toMatch(/LedgerAppendRecordsFunction\w*","Arn"\]},":\*"/);
  });
});

describe('the tables', () => {
  it('can be restored, and where data counts can not be deleted by mistake', () => {
    for (const TableName of ['sluice-ledger', 'sluice-ledger-heads']) {
      const settings = {
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      };
      team.hasResource('AWS::DynamoDB::Table', {
        Properties: { ...settings, DeletionProtectionEnabled: true },
        DeletionPolicy: 'Retain',
      });
      local.hasResource('AWS::DynamoDB::Table', { Properties: settings, DeletionPolicy: 'Delete' });
    }
  });

  it('keep records by bundle and number, find them by release, and stream what is new', () => {
    team.hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'sluice-ledger',
      KeySchema: [
        { AttributeName: 'bundle', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-release',
          KeySchema: [
            { AttributeName: 'releaseId', KeyType: 'HASH' },
            { AttributeName: 'seq', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
  });
});

describe('what must not get lost', () => {
  it('late records are tried for hours, one by one, and then kept', () => {
    team.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
    team.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'sluice-late-records',
      VisibilityTimeout: 72,
      RedrivePolicy: { maxReceiveCount: 200 },
      MessageRetentionPeriod: 1_209_600,
    });
  });

  it('events are tried for as long as the stream remembers them, and then leave their position', () => {
    team.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      StartingPosition: 'TRIM_HORIZON',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 82_800,
      MaximumRetryAttempts: Match.absent(),
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });
});

describe('the alarms', () => {
  it('each have a section in the runbook', () => {
    const runbook = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'runbook.md'), 'utf8');
    const names = Object.values(team.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) =>
      String(Properties.AlarmName).replace(/^sluice-/, ''),
    );
    expect(names.toSorted()).toEqual([
      'CapturesDead',
      'CapturesWaiting',
      'EventsDelayed',
      'EventsUnpublished',
      'LateRecordsDead',
      'LateRecordsWaiting',
      'LedgerContended',
      'LedgerTampered',
      'LedgerUnavailable',
      'SearchDelayed',
    ]);
    for (const name of names) expect(runbook).toContain(`\n## ${name}\n`);
  });

  it('watch the metric that publish-events emits, dimension included', () => {
    team.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'sluice-LedgerTampered',
      Namespace: 'Sluice',
      MetricName: 'LedgerTampered',
      Dimensions: [{ Name: 'service', Value: 'publish-events' }],
      Threshold: 1,
    });
  });
});
