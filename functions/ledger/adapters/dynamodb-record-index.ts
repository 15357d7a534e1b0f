import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import type { IndexRow, RecordIndexWriter } from '#ledger/index-records.ts';
import type { ReadPlaces } from '#ledger/join-terms.ts';
import { INDEXED_KEY } from '#ledger/keys.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';

export interface RecordIndex extends RecordIndexWriter {
  remove(rows: readonly IndexRow[]): Promise<void>;
  readonly readPlaces: ReadPlaces;
}

/** BatchWriteItem takes so many puts. */
const PUTS_MAX = 25;

/** Calls at once. */
const LANES = 4;

/** BatchWriteItem writes what it has room for; asked so often, the table is in trouble. */
const ANSWERS_MAX = 8;

const WHAT = "the ledger's index";

/** Behind every place there is. */
const LAST = '~';

/** The record index on its DynamoDB table. */
export const dynamoDbRecordIndex = (
  client: DynamoDBDocumentClient,
  table: string,
  sleep: (milliseconds: number) => Promise<void>,
): RecordIndex => {
  const putSome = async (rows: readonly IndexRow[]): Promise<void> => {
    let left = rows.map((row) => ({ PutRequest: { Item: { ...row } as Record<string, unknown> } }));
    for (let answer = 0; left.length > 0; answer += 1) {
      if (answer === ANSWERS_MAX) throw new TransientError(`${WHAT} did not take all rows: try again`);
      if (answer > 0) await sleep(50 * 2 ** answer);
      const command = new BatchWriteCommand({ RequestItems: { [table]: left } });
      const { UnprocessedItems } = await orTransient(WHAT, client.send(command));
      left = (UnprocessedItems?.[table] ?? []) as typeof left;
    }
  };

  return {
    indexedSize: async () => {
      const command = new GetCommand({ TableName: table, Key: INDEXED_KEY, ConsistentRead: true });
      const { Item } = await orTransient(WHAT, client.send(command));
      return (Item?.size as number | undefined) ?? 0;
    },
    put: async (rows) => {
      const calls: (readonly IndexRow[])[] = [];
      for (let start = 0; start < rows.length; start += PUTS_MAX)
        calls.push(rows.slice(start, start + PUTS_MAX));
      for (let start = 0; start < calls.length; start += LANES)
        await Promise.all(calls.slice(start, start + LANES).map(putSome));
    },
    remove: async (rows) => {
      for (const { term, place } of rows)
        await orTransient(WHAT, client.send(new DeleteCommand({ TableName: table, Key: { term, place } })));
    },
    advance: async (from, to) => {
      const command = new PutCommand({
        TableName: table,
        Item: { ...INDEXED_KEY, size: to },
        ConditionExpression: from === 0 ? 'attribute_not_exists(term)' : '#size = :from',
        ...(from > 0 && {
          ExpressionAttributeNames: { '#size': 'size' },
          ExpressionAttributeValues: { ':from': from },
        }),
      });
      try {
        await orTransient(WHAT, client.send(command));
        return true;
      } catch (error) {
        if (isNamed(error, 'ConditionalCheckFailedException')) return false;
        throw error;
      }
    },
    readPlaces: async (term, { from, before = LAST }, limit) => {
      // BETWEEN takes in its end: no place is equal to an instant, or to LAST, so nothing too many is found.
      if (before < from) return [];
      const command = new QueryCommand({
        TableName: table,
        // What indexedSize counts is there to be found: it is put before it is counted.
        ConsistentRead: true,
        KeyConditionExpression: 'term = :term AND place BETWEEN :from AND :before',
        ExpressionAttributeValues: { ':term': term, ':from': from, ':before': before },
        Limit: limit,
      });
      const { Items = [] } = await orTransient(WHAT, client.send(command));
      return Items.map(({ place }) => place as string);
    },
  };
};
