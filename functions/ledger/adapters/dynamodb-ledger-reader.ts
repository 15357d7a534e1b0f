import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { batchGet, KEYS_MAX } from '#ledger/adapters/batch-get.ts';
import type { LedgerPage, LedgerReader } from '#ledger/append.ts';
import type { ArchiveReader } from '#ledger/archived-bundle.ts';
import { EMPTY_LEDGER } from '#ledger/chain.ts';
import { discloseRecords, type ReadPersonal } from '#ledger/disclose-records.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import {
  BUNDLE_SIZE,
  BY_RELEASE_INDEX,
  bundleOf,
  HEAD_KEY,
  type LedgerItem,
  type LedgerTables,
} from '#ledger/keys.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { recordOf } from '#ledger/stored-record.ts';
import { orTransient } from '#platform/aws-errors.ts';
import { LedgerIntegrityError } from '#platform/errors.ts';

/** A Lambda answers with 6 MB at most, and quoting JSON inside JSON can double it. */
const PAGE_BYTES_MAX = 2_000_000;

interface Slice {
  readonly items: readonly StoredRecord[];
  /** Whether the query has more behind these. */
  readonly more: boolean;
}

/** Where the chain ends; consistent. */
export const dynamoDbHead =
  (client: DynamoDBDocumentClient, { heads }: Pick<LedgerTables, 'heads'>): LedgerReader['head'] =>
  async () => {
    const command = new GetCommand({ TableName: heads, Key: HEAD_KEY, ConsistentRead: true });
    const { Item } = await orTransient('the ledger', client.send(command));
    return Item === undefined ? EMPTY_LEDGER : { size: Item.size as number, hash: Item.hash as string };
  };

/** Two lists as one in order, each record once. */
const merged = (a: readonly StoredRecord[], b: readonly StoredRecord[]): readonly StoredRecord[] => {
  const bySeq = new Map([...a, ...b].map((record) => [record.seq, record]));
  return [...bySeq.values()].toSorted((one, other) => one.seq - other.seq);
};

/**
 * Reads records from the table, and those that are no longer in it from the archive: nobody has to know where a record
 * is, and none is missed while its bundle moves.
 */
export const dynamoDbLedgerReader = (
  client: DynamoDBDocumentClient,
  tables: LedgerTables,
  archive: ArchiveReader,
  personal: ReadPersonal,
): LedgerReader => {
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

  const head = dynamoDbHead(client, tables);

  /**
   * Reads slices until the page is full, by count or by bytes, or `read` knows no further number to go on from.
   */
  const fill = async (
    start: number,
    limit: number,
    read: (
      from: number,
      limit: number,
    ) => Promise<{ items: readonly StoredRecord[]; next: number | undefined }>,
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
    const keys = seqs.map((seq) => ({ bundle: bundleOf(seq), seq }));
    const items = (await batchGet(client, tables.ledger, keys, 'the ledger')) as unknown as LedgerItem[];
    return new Map(items.map((item) => [item.seq, item]));
  };

  const byNumbers = async (seqs: readonly number[]): Promise<readonly LedgerRecord[]> => {
    const records: LedgerRecord[] = [];
    let bytes = 0;
    for (let start = 0; start < seqs.length; start += KEYS_MAX) {
      const wanted = seqs.slice(start, start + KEYS_MAX);
      const items = await itemsOf(wanted);
      for (const seq of wanted) {
        const item = items.get(seq) ?? (await archive.bundle(bundleOf(seq)))?.[seq % BUNDLE_SIZE];
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

  /** A release's archived records from a number on, one more than asked for when there are more. */
  const archivedOf = async (
    releaseId: string,
    from: number,
    limit: number,
  ): Promise<readonly StoredRecord[]> => {
    const records: StoredRecord[] = [];
    for (const bundle of await archive.bundlesOf(releaseId, bundleOf(from))) {
      const kept = (await archive.bundle(bundle)) ?? [];
      records.push(
        ...kept.filter((record) => record.seq >= from && recordOf(record).data.releaseId === releaseId),
      );
      if (records.length > limit) break;
    }
    return records;
  };

  /** From table and archive, in order: what is in both, while its bundle moves, comes once. */
  const sliceOfRelease = async (releaseId: string, from: number, limit: number): Promise<Slice> => {
    const partition = { name: 'releaseId', value: releaseId };
    // The table first: what leaves it between the two reads is in the archive by then.
    const slice = await query({ IndexName: BY_RELEASE_INDEX }, partition, from, limit);
    const archived = await archivedOf(releaseId, from, limit);
    const end = slice.more ? (slice.items.at(-1)?.seq ?? from) : Number.POSITIVE_INFINITY;
    const known = merged(slice.items, archived).filter(({ seq }) => seq <= end);
    return { items: known.slice(0, limit), more: slice.more || known.length > limit };
  };

  /** A bundle's records from a number on; from the archive when the table no longer has all of them. */
  const sliceOfBundle = async (position: number, limit: number, size: number): Promise<Slice> => {
    const bundle = bundleOf(position);
    const slice = await query({ ConsistentRead: true }, { name: 'bundle', value: bundle }, position, limit);
    const due = Math.min(size, (bundle + 1) * BUNDLE_SIZE) - position;
    const isGapless = slice.items.every(({ seq }, place) => seq === position + place);
    if (isGapless && (slice.more || slice.items.length >= due)) return slice;
    const kept = (await archive.bundle(bundle))?.filter(({ seq }) => seq >= position);
    return kept === undefined ? slice : { items: kept.slice(0, limit), more: kept.length > limit };
  };

  const shown = async (page: LedgerPage): Promise<LedgerPage> => ({
    ...page,
    records: await discloseRecords(page.records, personal),
  });

  return {
    head,
    byNumbers: async (seqs) => discloseRecords(await byNumbers(seqs), personal),
    byRelease: async (releaseId, { from = 0, limit }) => {
      const page = await fill(from, limit, async (position, wanted) => {
        const slice = await sliceOfRelease(releaseId, position, wanted);
        return { items: slice.items, next: slice.more ? nextAfter(slice, position) : undefined };
      });
      return shown(page);
    },
    from: async (seq, limit) => {
      const { size } = await head();
      // The head says where the end is: were an empty bundle taken for it, deleting one would hide all that follows.
      const within = (position: number) => (position < size ? position : undefined);
      const start = within(seq);
      if (start === undefined) return { records: [] };
      const page = await fill(start, limit, async (position, wanted) => {
        const slice = await sliceOfBundle(position, wanted, size);
        const next = slice.more ? nextAfter(slice, position) : (bundleOf(position) + 1) * BUNDLE_SIZE;
        return { items: slice.items, next: within(next) };
      });
      return shown(page);
    },
  };
};
