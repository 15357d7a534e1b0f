import type { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import type { AppendReceipt, LedgerWriter } from '#ledger/append.ts';
import { batchDigest, isSameBatch, requireOneTransaction } from '#ledger/batch.ts';
import { EMPTY_LEDGER, type LedgerHead, type LinkedRecord, linkRecords } from '#ledger/chain.ts';
import { batchKey, HEAD_KEY, type LedgerTables, ledgerItem, personalKey } from '#ledger/keys.ts';
import { personalValues } from '#ledger/personal.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { ConflictError, LedgerIntegrityError, TransientError } from '#platform/errors.ts';

export interface Surroundings {
  now(): Date;
  newUlid(now: Date): string;
  /** 128 random bits in base64url. */
  newSalt(): string;
  /** In [0, 1). */
  random(): number;
  sleep(milliseconds: number): Promise<void>;
  /** Told of each attempt that was lost to another writer. */
  contended(): void;
}

interface BatchItem {
  readonly digest: string;
  readonly receipts: readonly AppendReceipt[];
}

/** Leaves append-records, at 12 s, time to say that it gave up. */
const RETRY_MILLISECONDS_MAX = 8_000;
const BACK_OFF_MILLISECONDS = 25;
/** Some ten transactions' time: waiting longer only lets newcomers overtake, until the loser's time is up. */
const BACK_OFF_MILLISECONDS_MAX = 250;
/** What comes through a queue is in no hurry: it waits so many times longer, and decisions go first. */
const QUEUED_BACK_OFF = 4;

/** Full jitter: of n writers that lost together, few meet again (aws.amazon.com/builders-library, "Timeouts, retries and backoff with jitter"). */
const backOff = (attempt: number, random: number, queued: boolean): number =>
  (queued ? QUEUED_BACK_OFF : 1) *
  random *
  Math.min(BACK_OFF_MILLISECONDS_MAX, BACK_OFF_MILLISECONDS * 2 ** attempt);

const receiptsOf = (records: readonly LinkedRecord[]): AppendReceipt[] =>
  records.map(({ record: { seq, id, recordHash } }) => ({ seq, id, recordHash }));

const sameHead = (a: LedgerHead, b: LedgerHead): boolean => a.size === b.size && a.hash === b.hash;

const headCondition = (head: LedgerHead) =>
  head.size === 0
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : {
        ConditionExpression: '#size = :size AND #hash = :hash',
        ExpressionAttributeNames: { '#size': 'size', '#hash': 'hash' },
        ExpressionAttributeValues: { ':size': head.size, ':hash': head.hash },
      };

/** Why nothing was written, if nothing was. `occupied`: a record's number is taken although the head was as expected. */
type Outcome = 'committed' | 'contended' | 'occupied';

const PASSING_REASONS = new Set([
  'None',
  'ConditionalCheckFailed',
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

/** Reasons come in the order of the actions: the records, the head, the batch. */
const outcomeOf = (cancelled: TransactionCanceledException): Outcome => {
  const codes = (cancelled.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
  if (codes.some((code) => !PASSING_REASONS.has(code))) throw cancelled;
  const [head = 'None'] = codes.slice(-2);
  const recordRefused = codes.slice(0, -2).includes('ConditionalCheckFailed');
  return recordRefused && head === 'None' ? 'occupied' : 'contended';
};

/**
 * The ledger's writer. Correctness rests on the transaction's conditions alone: a record's number is free, the head
 * is the one the records were linked to, the batch was never appended. Whatever goes wrong, by cancellation or by an
 * answer that got lost, the next attempt reads batch and head again and so finds out what really happened.
 */
export const dynamoDbLedger = (
  client: DynamoDBDocumentClient,
  tables: LedgerTables & { readonly personal: string },
  around: Surroundings,
): LedgerWriter & { appendLate: LedgerWriter['append']; appendCaptured: LedgerWriter['append'] } => {
  const read = async (key: { readonly pk: string }): Promise<Record<string, unknown> | undefined> => {
    const command = new GetCommand({ TableName: tables.heads, Key: key, ConsistentRead: true });
    return (await orTransient('the ledger', client.send(command))).Item;
  };

  const commit = async (
    from: LedgerHead,
    to: LedgerHead,
    records: readonly LinkedRecord[],
    batch: BatchItem & { readonly pk: string },
  ): Promise<Outcome> => {
    const absent = 'attribute_not_exists(seq)';
    const command = new TransactWriteCommand({
      TransactItems: [
        ...records.map((linked) => ({
          Put: { TableName: tables.ledger, Item: { ...ledgerItem(linked) }, ConditionExpression: absent },
        })),
        ...records
          .filter(({ disclosures }) => Object.keys(disclosures).length > 0)
          .map(({ record, disclosures }) => ({
            Put: {
              TableName: tables.personal,
              Item: { ...personalKey(record.seq), disclosures },
              ConditionExpression: absent,
            },
          })),
        { Put: { TableName: tables.heads, Item: { ...HEAD_KEY, ...to }, ...headCondition(from) } },
        { Put: { TableName: tables.heads, Item: batch, ConditionExpression: 'attribute_not_exists(pk)' } },
      ],
    });
    try {
      await orTransient('the ledger', client.send(command));
      return 'committed';
    } catch (error) {
      if (error instanceof TransientError) return 'contended';
      if (isNamed(error, 'TransactionCanceledException'))
        return outcomeOf(error as TransactionCanceledException);
      throw error;
    }
  };

  const personal = dynamoDbPersonal(client, tables.personal);

  const firstResult = async (
    batchId: string,
    { digest, receipts }: BatchItem,
    drafts: readonly RecordDraft[],
  ): Promise<readonly AppendReceipt[]> => {
    const seqs = receipts.map(({ seq }) => seq);
    const known = drafts.some((draft) => Object.keys(personalValues(draft)).length > 0)
      ? await personal(seqs)
      : new Map();
    if (isSameBatch(drafts, { digest, people: seqs.map((seq) => known.get(seq)) })) return receipts;
    throw new ConflictError(
      `the batch id ${batchId} was used before, for other records: a batch id names one step and its one outcome`,
    );
  };

  const append = async (
    batchId: string,
    drafts: readonly RecordDraft[],
    how: 'decided' | 'late' | 'captured',
  ): Promise<readonly AppendReceipt[]> => {
    const digest = batchDigest(drafts);
    const deadline = around.now().getTime() + RETRY_MILLISECONDS_MAX;
    let occupiedAt: LedgerHead | undefined;
    for (let attempt = 0; ; attempt += 1) {
      const [earlier, headItem] = await Promise.all([read(batchKey(batchId)), read(HEAD_KEY)]);
      if (earlier !== undefined) return firstResult(batchId, earlier as unknown as BatchItem, drafts);
      const from: LedgerHead =
        headItem === undefined
          ? EMPTY_LEDGER
          : { size: headItem.size as number, hash: headItem.hash as string };
      if (occupiedAt !== undefined && sameHead(occupiedAt, from)) throw occupied(from);
      const now = around.now();
      const { records, head } = linkRecords(from, drafts, {
        ids: drafts.map(() => around.newUlid(now)),
        newSalt: around.newSalt,
        ...(how === 'late' && { lateAt: now.toISOString() }),
      });
      requireOneTransaction(records);
      const receipts = receiptsOf(records);
      const outcome = await commit(from, head, records, { ...batchKey(batchId), digest, receipts });
      if (outcome === 'committed') return receipts;
      occupiedAt = outcome === 'occupied' ? from : undefined;
      around.contended();
      const wait = backOff(attempt, around.random(), how !== 'decided');
      if (around.now().getTime() + wait > deadline)
        throw new TransientError(
          'the ledger is too busy: try again with the same batch id, it is not known whether the batch was appended',
        );
      await around.sleep(wait);
    }
  };

  return {
    append: (batchId, drafts) => append(batchId, drafts, 'decided'),
    appendLate: (batchId, drafts) => append(batchId, drafts, 'late'),
    appendCaptured: (batchId, drafts) => append(batchId, drafts, 'captured'),
  };
};

const occupied = (head: LedgerHead): LedgerIntegrityError =>
  new LedgerIntegrityError(
    `the head says that the ledger has ${head.size} records, but there is a record ${head.size} or later: one of the two tables was restored or changed by hand; see the runbook`,
  );
