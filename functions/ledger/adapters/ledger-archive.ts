import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { dynamoDbBundlesOf } from '#ledger/adapters/dynamodb-archives.ts';
import { s3ArchivedBundles } from '#ledger/adapters/s3-archive.ts';
import type { ArchiveReader } from '#ledger/archived-bundle.ts';

/** Of the environment of whoever reads records, wherever they and their personal values are. */
export const ledgerEnvironment = {
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  LEDGER_PERSONAL_TABLE: z.string(),
  ARCHIVE_BUCKET: z.string(),
  ARCHIVES_TABLE: z.string(),
};

export const ledgerArchive = (
  tables: DynamoDBDocumentClient,
  objects: S3Client,
  environment: { readonly ARCHIVE_BUCKET: string; readonly ARCHIVES_TABLE: string },
): ArchiveReader => ({
  bundle: s3ArchivedBundles(objects, environment.ARCHIVE_BUCKET),
  bundlesOf: dynamoDbBundlesOf(tables, environment.ARCHIVES_TABLE),
});
