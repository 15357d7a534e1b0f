import { Duration, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { RELEASES } from '../../functions/releases/keys.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { releaseTasks } from '../../functions/releases/tasks.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import type { Flags } from './flags.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { ownedQueue } from './owned-queue.ts';
import { ownedTable } from './owned-table.ts';
import type { Policy } from './policy.ts';
import { ReleaseAlarms } from './release-alarms.ts';
import { executionArns, workflowArn } from './workflows.ts';

interface ReleasesProps {
  readonly config: StageConfig;
  readonly bus: events.EventBus;
  readonly flags: Flags;
  readonly ledger: Ledger;
  readonly policy: Policy;
}

/** The state of releases, their doors, and what finds those whose workflow is gone. */
export class Releases extends Construct {
  readonly table: dynamodb.Table;
  readonly tasks: Readonly<Record<keyof typeof releaseTasks, GovernedFunction>>;
  readonly routed: RoutedFunction;
  /** Where events stay that asked for something impossible. */
  readonly refusedRequests: sqs.Queue;
  private readonly props: ReleasesProps;

  constructor(scope: Construct, id: string, props: ReleasesProps) {
    super(scope, id);
    this.props = props;
    this.table = this.createTable();
    this.tasks = {
      AdmitRelease: this.createTask('AdmitRelease', 'admit-release'),
      ConcludeRelease: this.createTask('ConcludeRelease', 'conclude-release'),
    };
    this.routed = this.createApi();
    this.refusedRequests = this.createRefused();
    new ReleaseAlarms(this, 'Alarms', {
      config: props.config,
      refusedRequests: this.refusedRequests,
      ...this.createEventDoor(),
      ...this.createRecovery(),
    });
  }

  /** The environment of every function that keeps the state of releases. */
  get environment(): Record<string, string> {
    return { RELEASES_TABLE: this.table.tableName, LEDGER_WRITER_ARN: this.props.ledger.writerArn };
  }

  /** Reads a release and writes its state, on the conditions that the store puts into each write. */
  grantState(user: GovernedFunction): void {
    user.allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [this.table.tableArn]);
    this.props.ledger.grantAppend(user);
  }

  /** Every release that has not ended. */
  grantOpen(reader: GovernedFunction): void {
    reader.allow(['dynamodb:Query'], [`${this.table.tableArn}/index/${RELEASES.open}`]);
  }

  /** Reads a release and changes nothing of it. */
  grantRead(user: GovernedFunction): void {
    user.allow(['dynamodb:GetItem'], [this.table.tableArn]);
  }

  /** Reads a release and its lock, and lists a service's releases; changes nothing. */
  grantStanding(reader: GovernedFunction): void {
    reader.allow(['dynamodb:GetItem'], [this.table.tableArn]);
    reader.allow(['dynamodb:Query'], [`${this.table.tableArn}/index/${RELEASES.byService}`]);
  }

  private createTable(): dynamodb.Table {
    const string = (name: string) => ({ name, type: dynamodb.AttributeType.STRING });
    const table = ownedTable(this, 'Table', this.props.config, {
      tableName: 'releases',
      partitionKey: string('pk'),
      sortKey: string('sk'),
      timeToLiveAttribute: RELEASES.ttl,
    });
    for (const [indexName, key] of [
      [RELEASES.byTime, 'all'],
      [RELEASES.byService, 'service'],
      [RELEASES.open, 'open'],
    ] as const)
      table.addGlobalSecondaryIndex({ indexName, partitionKey: string(key), sortKey: string('releaseId') });
    return table;
  }

  private createTask(task: keyof typeof releaseTasks, entry: string): GovernedFunction {
    const made = new GovernedFunction(this, task, {
      config: this.props.config,
      slice: 'releases',
      entry,
      timeoutSeconds: releaseTasks[task].functionTimeoutSeconds,
      environment: this.environment,
    });
    this.grantState(made);
    // Closing frees the lock in the same transaction.
    if (task === 'ConcludeRelease') made.allow(['dynamodb:DeleteItem'], [this.table.tableArn]);
    return made;
  }

  /** The environment of every function that takes a release in. */
  get requestEnvironment(): Record<string, string> {
    const { config, flags, policy } = this.props;
    return {
      ...this.executionEnvironment,
      ...flags.environment,
      SERVICES_TABLE: policy.services.tableName,
      PRODUCTION_STRATEGIES: JSON.stringify(config.productionStrategies),
    };
  }

  private get executionEnvironment(): Record<string, string> {
    const { config } = this.props;
    return {
      RELEASE_WORKFLOW_ARN: workflowArn(config, 'release'),
      RECOVERY_WORKFLOW_ARN: workflowArn(config, 'recovery'),
    };
  }

  /** Taking a release in: reserve, record, start; the state of releases is granted besides. */
  grantRequest(door: GovernedFunction): void {
    const { config, flags, policy } = this.props;
    policy.grantRead(door);
    flags.grantRead(door);
    // A transaction's check of a condition has a right of its own.
    door.allow(['dynamodb:PutItem', 'dynamodb:ConditionCheckItem'], [this.table.tableArn]);
    door.allow(['states:StartExecution'], [workflowArn(config, 'release')]);
  }

  private createApi(): RoutedFunction {
    const { config, ledger, policy } = this.props;
    const serve = new GovernedFunction(this, 'ServeReleases', {
      config,
      slice: 'releases',
      entry: 'serve-releases',
      timeoutSeconds: 25,
      environment: {
        ...this.environment,
        ...this.requestEnvironment,
        ...ledger.readEnvironment,
      },
    });
    this.grantState(serve);
    this.grantRequest(serve);
    policy.grantList(serve);
    serve.allow(
      ['dynamodb:Query'],
      [RELEASES.byTime, RELEASES.byService].map((index) => `${this.table.tableArn}/index/${index}`),
    );
    ledger.grantReadByRelease(serve);
    return { routes: releaseRoutes, function: serve };
  }

  private createRefused(): sqs.Queue {
    const refused = ownedQueue(this, 'RefusedRequests', this.props.config, { queueName: 'refused-requests' });
    Validations.of(refused).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is a dead-letter queue itself: refused events wait here for people, and nothing consumes them.',
    });
    return refused;
  }

  private createEventDoor(): { undeliveredRequests: sqs.Queue } {
    const { config, bus } = this.props;
    const undelivered = ownedQueue(this, 'UndeliveredRequests', config, {
      queueName: 'undelivered-requests',
    });
    const door = new GovernedFunction(this, 'StartRelease', {
      config,
      slice: 'releases',
      entry: 'start-release',
      timeoutSeconds: 30,
      environment: {
        ...this.environment,
        ...this.requestEnvironment,
        REFUSED_QUEUE_URL: this.refusedRequests.queueUrl,
      },
      deadLetterQueue: undelivered,
    });
    this.grantState(door);
    this.grantRequest(door);
    door.allow(['sqs:SendMessage'], [this.refusedRequests.queueArn]);
    new events.Rule(this, 'ReleaseRequested', {
      ruleName: `${config.name}-release-requested`,
      description: 'A release asked for on the bus.',
      eventBus: bus,
      eventPattern: { detailType: ['sluice.release.requested'] },
      targets: [
        new targets.LambdaFunction(door.live, {
          deadLetterQueue: undelivered,
          maxEventAge: Duration.hours(24),
          retryAttempts: 185,
        }),
      ],
    });
    return { undeliveredRequests: undelivered };
  }

  private createRecovery(): { undeliveredRecoveries: sqs.Queue } {
    const { config } = this.props;
    const undelivered = ownedQueue(this, 'UndeliveredRecoveries', config, {
      queueName: 'undelivered-recoveries',
    });
    const recover = new GovernedFunction(this, 'RecoverRelease', {
      config,
      slice: 'releases',
      entry: 'recover-release',
      timeoutSeconds: 120,
      environment: {
        ...this.environment,
        ...this.executionEnvironment,
        START_GRACE_SECONDS: String(config.startGraceSeconds),
      },
      deadLetterQueue: undelivered,
    });
    this.grantState(recover);
    this.grantOpen(recover);
    // A release that waited takes its locks.
    recover.allow(['dynamodb:PutItem', 'dynamodb:ConditionCheckItem'], [this.table.tableArn]);
    recover.allow(
      ['states:StartExecution'],
      [workflowArn(config, 'release'), workflowArn(config, 'recovery')],
    );
    recover.allow(
      ['states:DescribeExecution'],
      [executionArns(config, 'release'), executionArns(config, 'recovery')],
      { wildcard: 'Executions of these two workflows; their names are made at run time.' },
    );
    new events.Rule(this, 'WorkflowEnded', {
      ruleName: `${config.name}-workflow-ended`,
      description:
        'A release workflow or its recovery ended: without having concluded, or another release has its turn.',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
          stateMachineArn: [workflowArn(config, 'release'), workflowArn(config, 'recovery')],
        },
      },
      targets: [new targets.LambdaFunction(recover.live, { deadLetterQueue: undelivered })],
    });
    new scheduler.Schedule(this, 'RecoverySweep', {
      scheduleName: `${config.name}-recovery-sweep`,
      description: 'Finds releases whose workflow is gone, should its status event have been missed.',
      schedule: scheduler.ScheduleExpression.rate(Duration.minutes(config.recoverEveryMinutes)),
      target: new LambdaInvoke(recover.live, { deadLetterQueue: undelivered, retryAttempts: 3 }),
    });
    return { undeliveredRecoveries: undelivered };
  }
}
