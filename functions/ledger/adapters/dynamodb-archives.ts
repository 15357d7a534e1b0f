import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { holdsUnchanged } from '#ledger/adapters/dynamodb-holds.ts';
import type { ArchivedBundle, ArchiveProgress, ArchiveRegister } from '#ledger/archive-ledger.ts';
import type { ArchiveReader } from '#ledger/archived-bundle.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import {
  ARCHIVE_PROGRESS_KEY,
  ARCHIVE_RUN_KEY,
  ARCHIVED_KIND,
  archivedReleaseKind,
  bundleOf,
} from '#ledger/keys.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';

const WHAT = "the archive's table";

/** Rows of one kind from a number on, in order; consistent. */
const rowsFrom = (client: DynamoDBDocumentClient, TableName: string, kind: string, from: number) => {
  const read = async () => {
    const rows: Record<string, unknown>[] = [];
    const pages = paginateQuery(
      { client },
      {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'kind = :kind AND #number >= :from',
        ExpressionAttributeNames: { '#number': 'number' },
        ExpressionAttributeValues: { ':kind': kind, ':from': from },
      },
    );
    for await (const { Items = [] } of pages) rows.push(...Items);
    return rows;
  };
  return orTransient(WHAT, read());
};

/** Which archived bundles hold records of a release. */
export const dynamoDbBundlesOf =
  (client: DynamoDBDocumentClient, table: string): ArchiveReader['bundlesOf'] =>
  async (releaseId, from) =>
    (await rowsFrom(client, table, archivedReleaseKind(releaseId), from)).map(({ number }) => Number(number));

/** What was archived, and how far the archiver came. */
export const dynamoDbArchives = (client: DynamoDBDocumentClient, table: string): ArchiveRegister => {
  const put = (Item: Record<string, unknown>) =>
    orTransient(WHAT, client.send(new PutCommand({ TableName: table, Item })));
  return {
    take: async (now, until) => {
      const command = new PutCommand({
        TableName: table,
        Item: { ...ARCHIVE_RUN_KEY, until: until.getTime() },
        ConditionExpression: 'attribute_not_exists(#until) OR #until <= :now',
        ExpressionAttributeNames: { '#until': 'until' },
        ExpressionAttributeValues: { ':now': now.getTime() },
      });
      try {
        await orTransient(WHAT, client.send(command));
        return true;
      } catch (error) {
        if (isNamed(error, 'ConditionalCheckFailedException')) return false;
        throw error;
      }
    },
    giveBack: async () => {
      await put({ ...ARCHIVE_RUN_KEY, until: 0 });
    },
    progress: async () => {
      const command = new GetCommand({ TableName: table, Key: ARCHIVE_PROGRESS_KEY, ConsistentRead: true });
      const { Item } = await orTransient(WHAT, client.send(command));
      return {
        next: Number(Item?.next ?? 0),
        holdsRevision: Number(Item?.holdsRevision ?? 0),
        comparing: Number(Item?.comparing ?? 0),
        comparedTo: Number(Item?.comparedTo ?? 0),
      } satisfies ArchiveProgress;
    },
    saveProgress: async (progress) => {
      await put({ ...ARCHIVE_PROGRESS_KEY, ...progress });
    },
    from: async (bundle) =>
      (await rowsFrom(client, table, ARCHIVED_KIND, bundle)).map(({ number, sha256, held, emptied }) => ({
        bundle: Number(number),
        sha256: String(sha256),
        held: held === true,
        emptied: emptied === true,
      })),
    save: async ({ bundle, ...row }: ArchivedBundle) => {
      await put({ kind: ARCHIVED_KIND, number: bundle, ...row });
    },
    noteRelease: async (releaseId, bundle) => {
      await put({ kind: archivedReleaseKind(releaseId), number: bundle });
    },
  };
};

/** Of a transaction's 100 actions, two are checks. */
const REMOVED_AT_ONCE = 98;

/**
 * Takes records out of the ledger's table, in transactions that check that their bundle is in the archive, that no hold
 * came or went since they were looked at, and that each record is the archived one or gone already.
 * @returns false when a hold came or went meanwhile; what was removed before that is in the archive.
 */
export const removeArchived =
  (
    client: DynamoDBDocumentClient,
    tables: { readonly ledger: string; readonly archives: string; readonly holds: string },
  ) =>
  async (bundle: number, sha256: string, records: readonly StoredRecord[], holdsRevision: number) => {
    const checks = [
      {
        ConditionCheck: {
          TableName: tables.archives,
          Key: { kind: ARCHIVED_KIND, number: bundle },
          ConditionExpression: 'sha256 = :sha256',
          ExpressionAttributeValues: { ':sha256': sha256 },
        },
      },
      holdsUnchanged(tables.holds, holdsRevision),
    ];
    for (let start = 0; start < records.length; start += REMOVED_AT_ONCE) {
      const removed = records.slice(start, start + REMOVED_AT_ONCE).map(({ seq, recordHash }) => ({
        Delete: {
          TableName: tables.ledger,
          Key: { bundle: bundleOf(seq), seq },
          ConditionExpression: 'attribute_not_exists(seq) OR recordHash = :hash',
          ExpressionAttributeValues: { ':hash': recordHash },
        },
      }));
      const command = new TransactWriteCommand({ TransactItems: [...checks, ...removed] });
      try {
        await orTransient('the ledger', client.send(command));
      } catch (error) {
        if (!isNamed(error, 'TransactionCanceledException')) throw error;
        const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string }[] };
        const codes = CancellationReasons.map(({ Code }) => Code);
        if (codes[1] === 'ConditionalCheckFailed') return false;
        if (codes.includes('TransactionConflict'))
          throw new TransientError('another transaction was at the same records: try again', {
            cause: error,
          });
        throw error;
      }
    }
    return true;
  };
