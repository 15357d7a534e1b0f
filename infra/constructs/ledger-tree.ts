import { Aws, CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { VERIFIED_KEY } from '../../functions/ledger/keys.ts';
import { proofRoutes } from '../../functions/ledger/proof-routes.ts';
import type { StageConfig } from '../config.ts';
import { allowObjects } from './allow-objects.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { LedgerTreeAlarms } from './ledger-tree-alarms.ts';
import { lockInWords, lockOf } from './object-lock.ts';
import { ownedBucket } from './owned-bucket.ts';
import { ownedQueue } from './owned-queue.ts';
import { ownedTable } from './owned-table.ts';

interface LedgerTreeProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
}

/** Versions of tiles are kept so long after the tile was replaced or removed. */
const OLD_TILES = Duration.days(30);

const SEAL_SECONDS = 60;
const VERIFY_SECONDS = 120;

/** What makes the ledger provable: the tree over its records, the checkpoints, and the key that signs them. */
export class LedgerTree extends Construct {
  readonly routed: RoutedFunction;
  private readonly config: StageConfig;
  private readonly ledger: Ledger;
  private readonly seals: dynamodb.Table;
  private readonly tiles: s3.Bucket;
  private readonly checkpoints: s3.Bucket;
  private readonly key: kms.Key;
  /** The log's own name, which its key and every checkpoint bear. */
  private readonly origin: string;

  constructor(scope: Construct, id: string, { config, ledger }: LedgerTreeProps) {
    super(scope, id);
    this.config = config;
    this.ledger = ledger;
    this.origin = `${config.name}.${Aws.REGION}.${Aws.ACCOUNT_ID}/ledger`;
    this.seals = ownedTable(this, 'Seals', config, {
      tableName: 'seals',
      partitionKey: { name: 'kind', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'number', type: dynamodb.AttributeType.NUMBER },
    });
    this.tiles = ownedBucket(this, 'Tiles', config, {
      bucketName: 'tiles',
      lifecycleRules: [{ noncurrentVersionExpiration: OLD_TILES, expiredObjectDeleteMarker: true }],
    });
    this.checkpoints = ownedBucket(this, 'Checkpoints', config, {
      bucketName: 'checkpoints',
      ...lockOf(config.checkpointLock),
    });
    this.key = new kms.Key(this, 'SigningKey', {
      alias: `alias/${config.name}-ledger`,
      description: `Signs the checkpoints of ledger ${config.name}.`,
      keySpec: kms.KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: kms.KeyUsage.SIGN_VERIFY,
      removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const missedSeals = ownedQueue(this, 'MissedSeals', config, { queueName: 'missed-seals' });
    const sealer = this.createSealer(missedSeals);
    const missedChecks = ownedQueue(this, 'MissedChecks', config, { queueName: 'missed-checks' });
    this.createVerifier(missedChecks);
    this.routed = { routes: proofRoutes, function: this.createProofs() };
    new LedgerTreeAlarms(this, 'Alarms', { config, sealer: sealer.function, missedSeals, missedChecks });
    new CfnOutput(this, 'Origin', { key: 'LedgerOrigin', value: this.origin });
    new CfnOutput(this, 'TilesBucket', { key: 'TilesBucket', value: this.tiles.bucketName });
    new CfnOutput(this, 'CheckpointsBucket', {
      key: 'CheckpointsBucket',
      value: this.checkpoints.bucketName,
    });
    new CfnOutput(this, 'Lock', {
      key: 'CheckpointLock',
      value: lockInWords(config.checkpointLock, 'checkpoints'),
    });
  }

  /** The environment of whoever reads the tree. */
  get environment(): Record<string, string> {
    return {
      SEALS_TABLE: this.seals.tableName,
      TILES_BUCKET: this.tiles.bucketName,
      SIGNING_KEY_ARN: this.key.keyArn,
      LEDGER_ORIGIN: this.origin,
    };
  }

  /** Reading the tiles; listing is what makes S3 say of a missing one that it is missing. */
  private grantReadTiles(reader: GovernedFunction): void {
    allowObjects(reader, ['s3:GetObject'], this.tiles, 'tile/*', 'Tiles are named by their place.');
    reader.allow(['s3:ListBucket'], [this.tiles.bucketArn]);
  }

  /** What says which records are signed: the tree, its checkpoints, and how far they were verified. */
  grantReadSigned(reader: GovernedFunction): void {
    this.grantReadTiles(reader);
    reader.allow(['dynamodb:Query', 'dynamodb:GetItem'], [this.seals.tableArn]);
    reader.allow(['kms:GetPublicKey'], [this.key.keyArn]);
  }

  private createProofs(): GovernedFunction {
    const proofs = new GovernedFunction(this, 'ServeProofs', {
      config: this.config,
      slice: 'ledger',
      entry: 'serve-proofs',
      timeoutSeconds: 25,
      memoryMb: 1_024,
      environment: this.environment,
    });
    this.grantReadSigned(proofs);
    return proofs;
  }

  /** The one function that may sign, and may put what it signed where it stays. */
  private createSealer(missed: sqs.Queue): GovernedFunction {
    const { config } = this;
    const sealer = new GovernedFunction(this, 'SealCheckpoint', {
      config,
      slice: 'ledger',
      entry: 'seal-checkpoint',
      timeoutSeconds: SEAL_SECONDS,
      memoryMb: 1_024,
      environment: {
        ...this.ledger.readEnvironment,
        ...this.environment,
        CHECKPOINTS_BUCKET: this.checkpoints.bucketName,
      },
      deadLetterQueue: missed,
    });
    this.ledger.grantReadBundles(sealer);
    this.grantReadTiles(sealer);
    sealer.allow(['dynamodb:Query', 'dynamodb:PutItem'], [this.seals.tableArn]);
    allowObjects(sealer, ['s3:PutObject'], this.tiles, 'tile/*', 'Tiles are named by their place.');
    allowObjects(sealer, ['s3:DeleteObject'], this.tiles, 'tile/*.p/*', 'Partial tiles, and no others.');
    sealer.allow(['s3:GetObject', 's3:PutObject'], [this.tiles.arnForObjects('checkpoint')]);
    allowObjects(
      sealer,
      ['s3:PutObject'],
      this.checkpoints,
      'checkpoint/*',
      'Checkpoints are named by their size.',
    );
    sealer.allow(['kms:Sign', 'kms:GetPublicKey'], [this.key.keyArn]);
    sealer.allow(['sqs:SendMessage'], [missed.queueArn]);
    new scheduler.Schedule(this, 'Sealing', {
      scheduleName: `${config.name}-sealing`,
      description: 'Signs what is new in the ledger.',
      schedule: scheduler.ScheduleExpression.rate(Duration.minutes(config.sealEveryMinutes)),
      target: new LambdaInvoke(sealer.live, { deadLetterQueue: missed, retryAttempts: 0 }),
    });
    return sealer;
  }

  /** Looks at everything, changes nothing but its own progress, and tells by a record. */
  private createVerifier(missed: sqs.Queue): void {
    const { config } = this;
    const copies = config.checkpointCopies;
    const verifier = new GovernedFunction(this, 'VerifyLedger', {
      config,
      slice: 'ledger',
      entry: 'verify-ledger',
      timeoutSeconds: VERIFY_SECONDS,
      memoryMb: 1_769,
      environment: {
        ...this.ledger.readEnvironment,
        ...this.environment,
        CHECKPOINTS_BUCKET: this.checkpoints.bucketName,
        CHECKPOINT_COPIES_BUCKET: copies ?? '',
        LEDGER_WRITER_ARN: this.ledger.writerArn,
      },
      deadLetterQueue: missed,
    });
    this.ledger.grantReadBundles(verifier);
    this.ledger.archive.grantReadBundles(verifier);
    this.ledger.grantAppend(verifier);
    this.grantReadSigned(verifier);
    verifier.allow(['dynamodb:PutItem'], [this.seals.tableArn], {
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [VERIFIED_KEY.kind] } },
    });
    allowObjects(
      verifier,
      ['s3:GetObject'],
      this.checkpoints,
      'checkpoint/*',
      'Checkpoints are named by their size.',
    );
    verifier.allow(['s3:ListBucket'], [this.checkpoints.bucketArn]);
    verifier.allow(['sqs:SendMessage'], [missed.queueArn]);
    if (copies !== null)
      verifier.allow(['s3:PutObject'], [`arn:${Aws.PARTITION}:s3:::${copies}/${this.origin}/checkpoint/*`], {
        wildcard: 'Checkpoints are named by their size.',
      });
    new scheduler.Schedule(this, 'Verification', {
      scheduleName: `${config.name}-verification`,
      description: 'Verifies what was signed since the last time.',
      schedule: scheduler.ScheduleExpression.rate(Duration.days(1)),
      target: new LambdaInvoke(verifier.live, {
        deadLetterQueue: missed,
        retryAttempts: 0,
        input: scheduler.ScheduleTargetInput.fromObject({}),
      }),
    });
  }
}
