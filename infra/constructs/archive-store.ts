import { CfnOutput } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allowObjects } from './allow-objects.ts';
import type { GovernedFunction } from './governed-function.ts';
import { lockInWords, lockOf } from './object-lock.ts';
import { ownedBucket } from './owned-bucket.ts';
import { ownedTable } from './owned-table.ts';

interface ArchiveStoreProps {
  readonly config: StageConfig;
}

const BUNDLES = 'tile/entries/*';
const WHY = 'Bundles are named by their place.';

/** Where old records are: a bucket that is only ever added to, and what says which of them are where. */
export class ArchiveStore extends Construct {
  private readonly bucket: s3.Bucket;
  readonly table: dynamodb.Table;

  constructor(scope: Construct, id: string, { config }: ArchiveStoreProps) {
    super(scope, id);
    this.bucket = ownedBucket(this, 'Bundles', config, {
      bucketName: 'archive',
      // S3's legal holds need a bucket that can lock, whether or not everything in it is locked.
      objectLockEnabled: true,
      ...lockOf(config.archiveLock),
    });
    this.table = ownedTable(this, 'Table', config, {
      tableName: 'archives',
      partitionKey: { name: 'kind', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'number', type: dynamodb.AttributeType.NUMBER },
    });
    new CfnOutput(this, 'Bucket', { key: 'ArchiveBucket', value: this.bucket.bucketName });
    new CfnOutput(this, 'Lock', {
      key: 'ArchiveLock',
      value: lockInWords(config.archiveLock, 'archived records'),
    });
  }

  get environment(): Record<string, string> {
    return { ARCHIVE_BUCKET: this.bucket.bucketName, ARCHIVES_TABLE: this.table.tableName };
  }

  /** Archived bundles; listing is what makes S3 say of a missing one that it is missing. */
  grantReadBundles(reader: GovernedFunction): void {
    allowObjects(reader, ['s3:GetObject'], this.bucket, BUNDLES, WHY);
    reader.allow(['s3:ListBucket'], [this.bucket.bucketArn]);
  }

  /** In which bundles a release's records are. */
  grantFindReleases(reader: GovernedFunction): void {
    reader.allow(['dynamodb:Query'], [this.table.tableArn]);
  }

  /** Putting bundles there, and S3's own holds on them; nothing that shortens or takes off a lock. */
  grantArchive(archiver: GovernedFunction): void {
    this.grantReadBundles(archiver);
    allowObjects(
      archiver,
      ['s3:PutObject', 's3:GetObjectRetention', 's3:PutObjectLegalHold'],
      this.bucket,
      BUNDLES,
      WHY,
    );
    archiver.allow(
      ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      [this.table.tableArn],
    );
  }
}
