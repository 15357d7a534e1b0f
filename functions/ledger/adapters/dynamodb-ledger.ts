import type { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import type { AppendReceipt, LedgerWriter } from '#ledger/append.ts';
import { batchDigest, isSameBatch, requireOneTransaction } from '#ledger/batch.ts';
import { EMPTY_LEDGER, type LedgerHead, type LinkedRecord, linkRecords } from '#ledger/chain.ts';
import { afterTheEnd, conclusionOf, releasesToldOf } from '#ledger/ended-releases.ts';
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

type Item = Record<string, unknown>;

interface BatchItem {
  readonly digest: string;
  readonly receipts: readonly AppendReceipt[];
}

/** Leaves append-records, at 12 s, time to say that it gave up. */
const RETRY_MILLISECONDS_MAX = 8_000;
/** A writer that lost waits up to so many times what its attempt took, and at least so long. */
const BACK_OFF_ATTEMPTS = 5;
const BACK_OFF_MILLISECONDS = 25;
/** BatchGetItem answers with what it had time for; asked so often, DynamoDB is in trouble. */
const ANSWERS_MAX = 3;
/** What comes through a queue is in no hurry: it waits so many times longer, and decisions go first. */
const QUEUED_BACK_OFF = 4;

/**
 * Full jitter (aws.amazon.com/builders-library, "Timeouts, retries and backoff with jitter"), over a time that an attempt
 * takes now and not over a fixed one: whoever loses has waited for those who won, so under a crowd, or on a table that
 * is slow, attempts take longer and thin out by themselves. Never more than half of the time that is left, so that the
 * last one to wait still has several attempts.
 */
const backOff = (
  { took, left }: { readonly took: number; readonly left: number },
  random: number,
  queued: boolean,
): number => {
  const wish = BACK_OFF_ATTEMPTS * Math.max(took, BACK_OFF_MILLISECONDS) * (queued ? QUEUED_BACK_OFF : 1);
  return random * Math.min(wish, left / 2);
};

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

/**
 * Why nothing was written, if nothing was. `overtaken`: the head moved, and nothing else was wrong, so this batch was not
 * appended. `occupied`: a record's number is taken although the head was as expected. `unknown`: it may have been.
 */
type Outcome = 'committed' | 'overtaken' | 'occupied' | 'unknown';

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
  const [head, batch] = codes.slice(-2);
  const recordRefused = codes.slice(0, -2).includes('ConditionalCheckFailed');
  if (recordRefused && head === 'None') return 'occupied';
  return head === 'ConditionalCheckFailed' && batch === 'None' ? 'overtaken' : 'unknown';
};

/**
 * The ledger's writer. Correctness rests on the transaction's conditions alone: a record's number is free, the head
 * is the one the records were linked to, the batch was never appended. Whatever goes wrong, by cancellation or by an
 * answer that got lost, the next attempt reads batch and head again and so finds out what really happened; the head alone
 * when it is known that only that was in the way.
 */
export const dynamoDbLedger = (
  client: DynamoDBDocumentClient,
  tables: LedgerTables & { readonly personal: string },
  around: Surroundings,
): LedgerWriter & { appendLate: LedgerWriter['append']; appendCaptured: LedgerWriter['append'] } => {
  /** Items of `heads`, in one call where DynamoDB has time for it. Consistent. */
  const read = async (keys: readonly { readonly pk: string }[]): Promise<ReadonlyMap<unknown, Item>> => {
    const items = new Map<unknown, Item>();
    let Keys: Item[] = [...keys];
    for (let answer = 0; Keys.length > 0; answer += 1) {
      if (answer === ANSWERS_MAX)
        throw new TransientError('the ledger is too busy to be read: try again with the same batch id');
      const command = new BatchGetCommand({
        RequestItems: { [tables.heads]: { Keys, ConsistentRead: true } },
      });
      const { Responses, UnprocessedKeys }: BatchGetCommandOutput = await orTransient(
        'the ledger',
        client.send(command),
      );
      for (const item of Responses?.[tables.heads] ?? []) items.set(item.pk, item);
      Keys = UnprocessedKeys?.[tables.heads]?.Keys ?? [];
    }
    return items;
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
      if (error instanceof TransientError) return 'unknown';
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
      `the batch id ${batchId} was used before, for other records, and names one step and its one outcome: give other records an id of their own`,
    );
  };

  const append = async (
    batchId: string,
    drafts: readonly RecordDraft[],
    how: 'decided' | 'late' | 'captured',
  ): Promise<readonly AppendReceipt[]> => {
    const digest = batchDigest(drafts);
    const told = releasesToldOf(batchId, drafts);
    const deadline = around.now().getTime() + RETRY_MILLISECONDS_MAX;
    let occupiedAt: LedgerHead | undefined;
    let outcome: Outcome = 'unknown';
    for (;;) {
      const began = around.now().getTime();
      const found = await read(outcome === 'overtaken' ? [HEAD_KEY] : [HEAD_KEY, batchKey(batchId)]);
      const earlier = found.get(batchKey(batchId).pk);
      if (earlier !== undefined) return firstResult(batchId, earlier as unknown as BatchItem, drafts);
      const headItem = found.get(HEAD_KEY.pk);
      const from: LedgerHead =
        headItem === undefined
          ? EMPTY_LEDGER
          : { size: headItem.size as number, hash: headItem.hash as string };
      if (occupiedAt !== undefined && sameHead(occupiedAt, from)) throw occupied(from);
      // After the head: a release that ends from here on moves it, so that nothing is committed on what was read.
      const conclusions = await read(told.map((releaseId) => batchKey(conclusionOf(releaseId))));
      const now = around.now();
      const ended = new Set(
        told.filter((releaseId) => conclusions.has(batchKey(conclusionOf(releaseId)).pk)),
      );
      const { records, head } = linkRecords(from, drafts, {
        ids: drafts.map(() => around.newUlid(now)),
        late: {
          at: now.toISOString(),
          drafts: how === 'late' ? drafts.map(() => true) : afterTheEnd(drafts, ended),
        },
        newSalt: around.newSalt,
      });
      requireOneTransaction(records);
      const receipts = receiptsOf(records);
      outcome = await commit(from, head, records, { ...batchKey(batchId), digest, receipts });
      if (outcome === 'committed') return receipts;
      occupiedAt = outcome === 'occupied' ? from : undefined;
      around.contended();
      const lost = around.now().getTime();
      const pace = { took: lost - began, left: deadline - lost };
      const wait = backOff(pace, around.random(), how !== 'decided');
      if (pace.left < BACK_OFF_MILLISECONDS)
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
    `the head says that the ledger has ${head.size} records, but there is a record ${head.size} or later: one of the two tables was restored or changed by hand; see the runbook, "LedgerTampered"`,
  );
