import { type CfnResource, Duration, type Resource, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { BY_RELEASE_INDEX } from '../../functions/ledger/keys.ts';
import { auditRoutes } from '../../functions/ledger/routes.ts';
import { ledgerTasks } from '../../functions/ledger/tasks.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { ArchiveStore } from './archive-store.ts';
import { GovernedFunction } from './governed-function.ts';
import { LedgerAlarms } from './ledger-alarms.ts';
import { ownedQueue } from './owned-queue.ts';
import { ownedTable } from './owned-table.ts';

interface LedgerProps {
  readonly config: StageConfig;
  readonly bus: events.EventBus;
}

/**
 * Puts happen inside a transaction or not at all: its conditions are what keeps the chain whole. The key has several
 * values, so a plain StringEquals never matches (DynamoDB Developer Guide, "Using IAM with DynamoDB transactions").
 */
const IN_TRANSACTION = {
  'ForAnyValue:StringEquals': { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] },
};

/** Lambda takes a message of a busy queue back for six of the function's time-outs (Lambda Developer Guide, SQS). */
const VISIBILITY_TIMEOUTS = 6;

/** With 72 s between tries, a writer may be down for four hours before what waits for it needs a person. */
const QUEUE_TRIES = 200;

const logicalId = ({ node, stack }: Resource): string => stack.getLogicalId(node.defaultChild as CfnResource);

/** The chain of records, its one writer, and what makes events of it. */
export class Ledger extends Construct {
  readonly routed: RoutedFunction;
  /** What LEDGER_WRITER_ARN is for everyone who appends. */
  readonly writerArn: string;
  readonly lateRecordsQueueUrl: string;
  readonly capturesQueueUrl: string;
  readonly archive: ArchiveStore;
  private readonly config: StageConfig;
  private readonly records: dynamodb.Table;
  private readonly heads: dynamodb.Table;
  private readonly index: dynamodb.Table;
  private readonly personal: dynamodb.Table;
  private readonly lateRecords: sqs.Queue;
  private readonly captures: sqs.Queue;
  /** Captured records that could not be appended, and events of AWS that could not be captured. */
  readonly deadCaptures: sqs.Queue;
  private readonly writer: GovernedFunction;

  constructor(scope: Construct, id: string, { config, bus }: LedgerProps) {
    super(scope, id);
    this.config = config;
    this.archive = new ArchiveStore(this, 'Archive', { config });
    this.records = this.createRecords();
    this.heads = ownedTable(this, 'Heads', config, {
      tableName: 'ledger-heads',
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
    });
    this.index = ownedTable(this, 'Index', config, {
      tableName: 'ledger-index',
      partitionKey: { name: 'term', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'place', type: dynamodb.AttributeType.STRING },
    });
    this.personal = ownedTable(this, 'Personal', config, {
      tableName: 'ledger-personal',
      partitionKey: { name: 'bundle', type: dynamodb.AttributeType.NUMBER },
      sortKey: { name: 'seq', type: dynamodb.AttributeType.NUMBER },
    });
    const deadLateRecords = ownedQueue(this, 'DeadLateRecords', config, { queueName: 'dead-late-records' });
    this.lateRecords = this.createQueue('LateRecords', 'late-records', deadLateRecords);
    this.lateRecordsQueueUrl = this.lateRecords.queueUrl;
    this.deadCaptures = ownedQueue(this, 'DeadCaptures', config, { queueName: 'dead-captures' });
    this.captures = this.createQueue('Captures', 'captures', this.deadCaptures);
    this.capturesQueueUrl = this.captures.queueUrl;
    this.writer = this.createWriter();
    this.writerArn = this.writer.live.functionArn;
    const unpublished = ownedQueue(this, 'UnpublishedEvents', config, { queueName: 'unpublished-events' });
    Validations.of(unpublished).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: "It is the dead-letter queue of the ledger's stream.",
    });
    const publisher = this.createPublisher(bus, unpublished);
    const indexer = this.createIndexer();
    this.routed = { routes: auditRoutes, function: this.createAudit() };
    new LedgerAlarms(this, 'Alarms', {
      config,
      writer: this.writer,
      publisher,
      indexer,
      lateRecords: this.lateRecords,
      deadLateRecords,
      captures: this.captures,
      deadCaptures: this.deadCaptures,
      unpublished,
    });
  }

  /** What waits for the writer, and is tried for hours before it needs a person. */
  private createQueue(id: string, queueName: string, dead: sqs.Queue): sqs.Queue {
    return ownedQueue(this, id, this.config, {
      queueName,
      visibilityTimeout: Duration.seconds(
        VISIBILITY_TIMEOUTS * ledgerTasks.AppendRecords.functionTimeoutSeconds,
      ),
      deadLetterQueue: { queue: dead, maxReceiveCount: QUEUE_TRIES },
    });
  }

  /** The environment of whoever reads the ledger. */
  get readEnvironment(): Record<string, string> {
    return {
      LEDGER_TABLE: this.records.tableName,
      LEDGER_HEADS_TABLE: this.heads.tableName,
      LEDGER_PERSONAL_TABLE: this.personal.tableName,
      ...this.archive.environment,
    };
  }

  /** Appending, through the writer: any of its published versions, for code that is older than the newest. */
  grantAppend(user: GovernedFunction): void {
    user.allow(['lambda:InvokeFunction'], [`${this.writer.function.functionArn}:*`]);
    Validations.of(user).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId(this.writer.function)}.Arn>:*]`,
      reason: 'Any published version of this one function.',
    });
  }

  /** Leaving records for later, when the writer is down. */
  grantSpool(user: GovernedFunction): void {
    user.allow(['sqs:SendMessage'], [this.lateRecords.queueArn]);
  }

  /** Handing in what happened elsewhere. */
  grantCapture(user: GovernedFunction): void {
    user.allow(['sqs:SendMessage'], [this.captures.queueArn]);
  }

  /** A release's records, old ones included. */
  grantReadByRelease(reader: GovernedFunction): void {
    reader.allow(['dynamodb:Query'], [`${this.records.tableArn}/index/${BY_RELEASE_INDEX}`]);
    this.archive.grantFindReleases(reader);
    this.archive.grantReadBundles(reader);
    this.grantReadPersonal(reader);
  }

  /** The personal values of records, which stand beside them. */
  grantReadPersonal(reader: GovernedFunction): void {
    reader.allow(['dynamodb:BatchGetItem'], [this.personal.tableArn]);
  }

  /** What LEDGER_INDEX_TABLE is for who takes names out of the index. */
  get indexEnvironment(): Record<string, string> {
    return { LEDGER_INDEX_TABLE: this.index.tableName };
  }

  /** Any record by its number, wherever it is, as people may read it. */
  grantReadRecords(reader: GovernedFunction): void {
    reader.allow(['dynamodb:BatchGetItem'], [this.records.tableArn]);
    reader.allow(['dynamodb:GetItem'], [this.heads.tableArn]);
    this.archive.grantReadBundles(reader);
    this.grantReadPersonal(reader);
  }

  /** Deleting the personal values of records, by transactions, and taking their people out of the index. */
  grantRedact(redactor: GovernedFunction): void {
    redactor.allow(['dynamodb:DeleteItem'], [this.personal.tableArn], { conditions: IN_TRANSACTION });
    redactor.allow(['dynamodb:GetItem', 'dynamodb:DeleteItem'], [this.index.tableArn]);
  }

  /** Every record, bundle by bundle, and where the chain ends. */
  grantReadBundles(reader: GovernedFunction): void {
    reader.allow(['dynamodb:Query'], [this.records.tableArn]);
    reader.allow(['dynamodb:GetItem'], [this.heads.tableArn]);
  }

  /** Taking records out of the table, inside a transaction that checks that the archive has them. */
  grantArchive(archiver: GovernedFunction): void {
    this.grantReadBundles(archiver);
    this.archive.grantArchive(archiver);
    this.grantReadPersonal(archiver);
    archiver.allow(['dynamodb:DeleteItem'], [this.records.tableArn], { conditions: IN_TRANSACTION });
  }

  /** The head and its record, for a look at how the ledger is. */
  grantHealth(reader: GovernedFunction): void {
    reader.allow(['dynamodb:GetItem'], [this.records.tableArn, this.heads.tableArn]);
  }

  private createRecords(): dynamodb.Table {
    const seq = { name: 'seq', type: dynamodb.AttributeType.NUMBER };
    const table = ownedTable(this, 'Records', this.config, {
      tableName: 'ledger',
      partitionKey: { name: 'bundle', type: dynamodb.AttributeType.NUMBER },
      sortKey: seq,
      stream: dynamodb.StreamViewType.NEW_IMAGE,
    });
    table.addGlobalSecondaryIndex({
      indexName: BY_RELEASE_INDEX,
      partitionKey: { name: 'releaseId', type: dynamodb.AttributeType.STRING },
      sortKey: seq,
    });
    return table;
  }

  /** The one role of the stack that may put into `ledger`; no role may update there. */
  private createWriter(): GovernedFunction {
    const writer = new GovernedFunction(this, 'AppendRecords', {
      config: this.config,
      slice: 'ledger',
      entry: 'append-records',
      timeoutSeconds: ledgerTasks.AppendRecords.functionTimeoutSeconds,
      memoryMb: 1_024,
      environment: { ...this.readEnvironment, CAPTURES_QUEUE_ARN: this.captures.queueArn },
    });
    writer.allow(['dynamodb:PutItem'], [this.records.tableArn, this.heads.tableArn, this.personal.tableArn], {
      conditions: IN_TRANSACTION,
    });
    writer.allow(['dynamodb:BatchGetItem'], [this.heads.tableArn]);
    // Whether a batch that comes again is the one that came before.
    this.grantReadPersonal(writer);
    writer.allow(
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      [this.lateRecords.queueArn, this.captures.queueArn],
    );
    for (const [id, queue] of [
      ['AppendLate', this.lateRecords],
      ['AppendCaptured', this.captures],
    ] as const)
      new lambda.EventSourceMapping(this, id, {
        target: writer.live,
        eventSourceArn: queue.queueArn,
        batchSize: 10,
        // What waited already is in no hurry and must not make decisions wait; two is the least SQS allows.
        maxConcurrency: 2,
        reportBatchItemFailures: true,
      });
    return writer;
  }

  private createPublisher(bus: events.EventBus, unpublished: sqs.Queue): GovernedFunction {
    const publisher = new GovernedFunction(this, 'PublishEvents', {
      config: this.config,
      slice: 'ledger',
      entry: 'publish-events',
      timeoutSeconds: 60,
      environment: { EVENT_BUS_NAME: bus.eventBusName, ...this.readEnvironment },
    });
    publisher.allow(['events:PutEvents'], [bus.eventBusArn]);
    // Whether a record that left the table is in the archive.
    this.archive.grantReadBundles(publisher);
    this.grantReadPersonal(publisher);
    const stream = this.grantStream(publisher);
    publisher.allow(['sqs:SendMessage'], [unpublished.queueArn]);
    new lambda.EventSourceMapping(this, 'Outbox', {
      target: publisher.live,
      eventSourceArn: stream,
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      // A stream forgets after 24 h: what could not be published by then leaves its position behind.
      maxRecordAge: Duration.hours(23),
      onFailure: { bind: () => ({ destination: unpublished.queueArn }) },
    });
    return publisher;
  }

  /** Makes the index that records are found by; reads whatever is new by itself, whenever the stream says that something is. */
  private createIndexer(): GovernedFunction {
    const indexer = new GovernedFunction(this, 'IndexRecords', {
      config: this.config,
      slice: 'ledger',
      entry: 'index-records',
      timeoutSeconds: 120,
      environment: { ...this.readEnvironment, LEDGER_INDEX_TABLE: this.index.tableName },
    });
    this.grantReadBundles(indexer);
    this.archive.grantReadBundles(indexer);
    this.grantReadPersonal(indexer);
    indexer.allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:BatchWriteItem'], [this.index.tableArn]);
    new lambda.EventSourceMapping(this, 'Indexing', {
      target: indexer.live,
      eventSourceArn: this.grantStream(indexer),
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      batchSize: 1_000,
      // Once a second is soon enough for a search, and many times fewer calls while a release is busy.
      maxBatchingWindow: Duration.seconds(1),
    });
    return indexer;
  }

  /** Reading the stream of new records; gives its ARN. */
  private grantStream(reader: GovernedFunction): string {
    const stream = this.records.tableStreamArn;
    if (stream === undefined) throw new Error('the ledger table has no stream');
    reader.allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], [stream]);
    // Lambda finds the stream before it reads it, and listing is granted on a table's streams, not on one of them.
    reader.allow(['dynamodb:ListStreams'], [`${this.records.tableArn}/stream/*`]);
    Validations.of(reader).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId(this.records)}.Arn>/stream/*]`,
      reason: 'The streams of this one table.',
    });
    return stream;
  }

  private createAudit(): GovernedFunction {
    const audit = new GovernedFunction(this, 'ServeAudit', {
      config: this.config,
      slice: 'ledger',
      entry: 'serve-audit',
      timeoutSeconds: 25,
      environment: { ...this.readEnvironment, LEDGER_INDEX_TABLE: this.index.tableName },
    });
    audit.allow(['dynamodb:Query'], [this.records.tableArn]);
    this.grantReadRecords(audit);
    audit.allow(['dynamodb:Query', 'dynamodb:GetItem'], [this.index.tableArn]);
    this.grantReadByRelease(audit);
    return audit;
  }
}
