import { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { holdRoutes } from '../../functions/ledger/hold-routes.ts';
import { redactionRoutes } from '../../functions/ledger/redaction-routes.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerTree } from './ledger-tree.ts';
import { ownedAlarms, waitingIn } from './owned-alarms.ts';
import { ownedQueue } from './owned-queue.ts';
import { ownedTable } from './owned-table.ts';

interface LedgerArchiveProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
  readonly tree: LedgerTree;
}

/** Below the time that one run has the archive for itself (functions/ledger/archive-ledger.ts). */
const ARCHIVE_SECONDS = 120;

const SECONDS_A_DAY = 86_400;

/** What moves old records to the archive, what redacts them, and the holds that keep both from doing so. */
export class LedgerArchive extends Construct {
  readonly routed: RoutedFunction;
  readonly redacting: RoutedFunction;
  private readonly config: StageConfig;
  private readonly ledger: Ledger;
  private readonly holds: dynamodb.Table;

  constructor(scope: Construct, id: string, { config, ledger, tree }: LedgerArchiveProps) {
    super(scope, id);
    this.config = config;
    this.ledger = ledger;
    this.holds = ownedTable(this, 'Holds', config, {
      tableName: 'holds',
      partitionKey: { name: 'holdId', type: dynamodb.AttributeType.STRING },
    });
    const missed = ownedQueue(this, 'MissedArchivals', config, { queueName: 'missed-archivals' });
    const archiver = this.createArchiver(tree, missed);
    this.routed = { routes: holdRoutes, function: this.createHolds(archiver) };
    this.redacting = { routes: redactionRoutes, function: this.createRedactions() };
    ownedAlarms(this, config, {
      ArchivalFailed: {
        metric: waitingIn(missed),
        threshold: 1,
        description:
          'Old records of the ledger could not be moved to the archive, or a hold not be put there.',
      },
    });
  }

  /** The one function that may take records out of the ledger's table: those that the archive has. */
  private createArchiver(tree: LedgerTree, missed: sqs.Queue): GovernedFunction {
    const { config, ledger } = this;
    const archiver = new GovernedFunction(this, 'ArchiveRecords', {
      config,
      slice: 'ledger',
      entry: 'archive-records',
      timeoutSeconds: ARCHIVE_SECONDS,
      memoryMb: 1_024,
      environment: {
        ...ledger.readEnvironment,
        ...tree.environment,
        HOLDS_TABLE: this.holds.tableName,
        LEDGER_WRITER_ARN: ledger.writerArn,
        ARCHIVE_MUST_BE_LOCKED: String(config.archiveLock !== null),
        ARCHIVE_AFTER_SECONDS: String(Math.round(SECONDS_A_DAY * config.archiveAfterDays)),
      },
      deadLetterQueue: missed,
    });
    ledger.grantArchive(archiver);
    ledger.grantAppend(archiver);
    tree.grantReadSigned(archiver);
    archiver.allow(
      ['dynamodb:GetItem', 'dynamodb:Scan', 'dynamodb:ConditionCheckItem'],
      [this.holds.tableArn],
    );
    archiver.allow(['sqs:SendMessage'], [missed.queueArn]);
    new scheduler.Schedule(this, 'Archival', {
      scheduleName: `${config.name}-archival`,
      description: 'Moves old records of the ledger to the archive.',
      schedule: scheduler.ScheduleExpression.rate(Duration.hours(1)),
      target: new LambdaInvoke(archiver.live, { deadLetterQueue: missed, retryAttempts: 0 }),
    });
    return archiver;
  }

  /** The one function that may delete personal values, as long as no hold is on them. */
  private createRedactions(): GovernedFunction {
    const { config, ledger } = this;
    const redactions = new GovernedFunction(this, 'ServeRedactions', {
      config,
      slice: 'ledger',
      entry: 'serve-redactions',
      timeoutSeconds: 25,
      environment: {
        ...ledger.readEnvironment,
        ...ledger.indexEnvironment,
        HOLDS_TABLE: this.holds.tableName,
        LEDGER_WRITER_ARN: ledger.writerArn,
      },
    });
    ledger.grantReadRecords(redactions);
    ledger.grantRedact(redactions);
    ledger.grantAppend(redactions);
    redactions.allow(
      ['dynamodb:GetItem', 'dynamodb:Scan', 'dynamodb:ConditionCheckItem'],
      [this.holds.tableArn],
    );
    return redactions;
  }

  private createHolds(archiver: GovernedFunction): GovernedFunction {
    const holds = new GovernedFunction(this, 'ServeHolds', {
      config: this.config,
      slice: 'ledger',
      entry: 'serve-holds',
      timeoutSeconds: 25,
      environment: {
        HOLDS_TABLE: this.holds.tableName,
        LEDGER_WRITER_ARN: this.ledger.writerArn,
        ARCHIVER_ARN: archiver.live.functionArn,
      },
    });
    this.ledger.grantAppend(holds);
    holds.allow(['dynamodb:GetItem', 'dynamodb:Scan', 'dynamodb:PutItem'], [this.holds.tableArn]);
    holds.allow(['lambda:InvokeFunction'], [archiver.live.functionArn]);
    return holds;
  }
}
