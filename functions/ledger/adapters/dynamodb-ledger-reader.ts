import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import type { LedgerPage, LedgerReader } from '#ledger/append.ts';
import { EMPTY_LEDGER, type LedgerHead } from '#ledger/chain.ts';
import {
  BUNDLE_SIZE,
  BY_RELEASE_INDEX,
  bundleOf,
  HEAD_KEY,
  type LedgerItem,
  type LedgerTables,
} from '#ledger/keys.ts';
import { type LedgerRecord, ledgerRecordSchema } from '#ledger/record.ts';
import { orTransient } from '#platform/aws-errors.ts';
import { LedgerIntegrityError, TransientError } from '#platform/errors.ts';

/** A Lambda answers with 6 MB at most, and quoting JSON inside JSON can double it. */
const PAGE_BYTES_MAX = 2_000_000;

/** BatchGetItem takes so many keys. */
const KEYS_MAX = 100;

/** BatchGetItem answers with what it had time for; asked so often, DynamoDB is in trouble. */
const ANSWERS_MAX = 8;

/**
 * The record of an item, with the hash that is stored beside it: a record that was tampered with is handed out as it
 * is, because refusing to show it would hide it from the auditor whose check finds it.
 * @throws LedgerIntegrityError when what is stored is no record at all.
 */
const recordOf = (item: LedgerItem): LedgerRecord => {
  try {
    return ledgerRecordSchema.parse({ ...JSON.parse(item.canonical), recordHash: item.recordHash });
  } catch (cause) {
    throw new LedgerIntegrityError(
      `what is stored as record ${item.seq} is no ledger record; see the runbook, "LedgerTampered"`,
      { cause },
    );
  }
};

interface Slice {
  readonly items: readonly LedgerItem[];
  /** Whether the query has more behind these. */
  readonly more: boolean;
}

export const dynamoDbLedgerReader = (client: DynamoDBDocumentClient, tables: LedgerTables): LedgerReader => {
  const query = async (
    source: { readonly IndexName?: string; readonly ConsistentRead?: boolean },
    partition: { readonly name: string; readonly value: string | number },
    from: number,
    limit: number,
  ): Promise<Slice> => {
    const command = new QueryCommand({
      TableName: tables.ledger,
      ...source,
      KeyConditionExpression: '#partition = :partition AND seq >= :from',
      ExpressionAttributeNames: { '#partition': partition.name },
      ExpressionAttributeValues: { ':partition': partition.value, ':from': from },
      Limit: limit,
    });
    const { Items = [], LastEvaluatedKey } = await orTransient('the ledger', client.send(command));
    return { items: Items as LedgerItem[], more: LastEvaluatedKey !== undefined };
  };

  const head = async (): Promise<LedgerHead> => {
    const command = new GetCommand({ TableName: tables.heads, Key: HEAD_KEY, ConsistentRead: true });
    const { Item } = await orTransient('the ledger', client.send(command));
    return Item === undefined ? EMPTY_LEDGER : { size: Item.size as number, hash: Item.hash as string };
  };

  /**
   * Reads slices until the page is full, by count or by bytes, or `read` knows no further number to go on from.
   */
  const fill = async (
    start: number,
    limit: number,
    read: (
      from: number,
      limit: number,
    ) => Promise<{ items: readonly LedgerItem[]; next: number | undefined }>,
  ): Promise<LedgerPage> => {
    const records: LedgerRecord[] = [];
    let bytes = 0;
    let position: number | undefined = start;
    while (position !== undefined) {
      const slice = await read(position, limit - records.length);
      for (const item of slice.items) {
        if (records.length > 0 && bytes + Buffer.byteLength(item.canonical) > PAGE_BYTES_MAX)
          return { records, next: item.seq };
        records.push(recordOf(item));
        bytes += Buffer.byteLength(item.canonical);
      }
      position = slice.next;
      if (position !== undefined && records.length >= limit) return { records, next: position };
    }
    return { records };
  };

  /** Items by number, in no order. */
  const itemsOf = async (seqs: readonly number[]): Promise<ReadonlyMap<number, LedgerItem>> => {
    const items = new Map<number, LedgerItem>();
    let Keys: Record<string, unknown>[] = seqs.map((seq) => ({ bundle: bundleOf(seq), seq }));
    for (let answer = 0; Keys.length > 0; answer += 1) {
      if (answer === ANSWERS_MAX) throw new TransientError('the ledger did not give all records: try again');
      const command = new BatchGetCommand({
        RequestItems: { [tables.ledger]: { Keys, ConsistentRead: true } },
      });
      const { Responses, UnprocessedKeys }: BatchGetCommandOutput = await orTransient(
        'the ledger',
        client.send(command),
      );
      for (const item of (Responses?.[tables.ledger] ?? []) as LedgerItem[]) items.set(item.seq, item);
      Keys = UnprocessedKeys?.[tables.ledger]?.Keys ?? [];
    }
    return items;
  };

  const byNumbers = async (seqs: readonly number[]): Promise<readonly LedgerRecord[]> => {
    const records: LedgerRecord[] = [];
    let bytes = 0;
    for (let start = 0; start < seqs.length; start += KEYS_MAX) {
      const wanted = seqs.slice(start, start + KEYS_MAX);
      const items = await itemsOf(wanted);
      for (const seq of wanted) {
        const item = items.get(seq);
        if (item === undefined)
          throw new LedgerIntegrityError(
            `record ${seq} was in the ledger and no longer is; see the runbook, "LedgerTampered"`,
          );
        bytes += Buffer.byteLength(item.canonical);
        if (records.length > 0 && bytes > PAGE_BYTES_MAX) return records;
        records.push(recordOf(item));
      }
    }
    return records;
  };

  const nextAfter = ({ items }: Slice, from: number): number => (items.at(-1)?.seq ?? from - 1) + 1;

  return {
    head,
    byNumbers,
    byRelease: (releaseId, { from = 0, limit }) =>
      fill(from, limit, async (position, wanted) => {
        const partition = { name: 'releaseId', value: releaseId };
        const slice = await query({ IndexName: BY_RELEASE_INDEX }, partition, position, wanted);
        return { items: slice.items, next: slice.more ? nextAfter(slice, position) : undefined };
      }),
    from: async (seq, limit) => {
      const { size } = await head();
      // The head says where the end is: were an empty bundle taken for it, deleting one would hide all that follows.
      const within = (position: number) => (position < size ? position : undefined);
      const start = within(seq);
      if (start === undefined) return { records: [] };
      return fill(start, limit, async (position, wanted) => {
        const partition = { name: 'bundle', value: bundleOf(position) };
        const slice = await query({ ConsistentRead: true }, partition, position, wanted);
        const next = slice.more ? nextAfter(slice, position) : (bundleOf(position) + 1) * BUNDLE_SIZE;
        return { items: slice.items, next: within(next) };
      });
    },
  };
};
