import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { GetCommandInput, QueryCommandInput, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';

type Item = Record<string, unknown>;
type Put = NonNullable<NonNullable<TransactWriteCommandInput['TransactItems']>[number]['Put']>;

const KEYS: Readonly<Record<string, readonly string[]>> = { ledger: ['bundle', 'seq'], heads: ['pk'] };

const keyOf = (table: string, item: Item): string =>
  JSON.stringify((KEYS[table] ?? []).map((name) => item[name]));

/** The conditions that the ledger uses: `attribute_not_exists(x)` and `a = :b AND …`. Anything else is a mistake. */
const holds = (put: Put, present: Item | undefined): boolean => {
  const nameOf = (name: string) => put.ExpressionAttributeNames?.[name] ?? name;
  return (put.ConditionExpression ?? '').split(' AND ').every((term) => {
    const absent = /^attribute_not_exists\((\S+)\)$/.exec(term)?.[1];
    if (absent !== undefined) return present?.[nameOf(absent)] === undefined;
    const [, left = '', right = ''] = /^(\S+) = (\S+)$/.exec(term) ?? [];
    if (left === '') throw new Error(`the model does not know the condition ${term}`);
    return present !== undefined && present[nameOf(left)] === put.ExpressionAttributeValues?.[right];
  });
};

/**
 * As much of DynamoDB as the ledger rests on: transactions that happen whole or not at all, conditions, and queries in
 * key order that stop at `Limit`. Tables are named `ledger` and `heads`.
 */
export class DynamoDbModel {
  readonly tables: Readonly<Record<string, Map<string, Item>>> = { ledger: new Map(), heads: new Map() };

  /** The ledger's items by number. */
  get items(): readonly Item[] {
    return [...this.table('ledger').values()].sort((a, b) => Number(a.seq) - Number(b.seq));
  }

  transactWrite({ TransactItems = [] }: TransactWriteCommandInput): object {
    if (TransactItems.length > 100) throw new Error('ValidationException: at most 100 actions');
    const puts = TransactItems.map(({ Put }) => {
      if (Put === undefined) throw new Error('the model knows puts only');
      return {
        put: Put,
        key: keyOf(String(Put.TableName), Put.Item ?? {}),
        table: this.table(Put.TableName),
      };
    });
    const CancellationReasons = puts.map(({ put, key, table }) => ({
      Code: holds(put, table.get(key)) ? 'None' : 'ConditionalCheckFailed',
    }));
    if (CancellationReasons.some(({ Code }) => Code !== 'None'))
      throw new TransactionCanceledException({ message: 'cancelled', $metadata: {}, CancellationReasons });
    for (const { put, key, table } of puts) table.set(key, structuredClone(put.Item ?? {}));
    return {};
  }

  get({ TableName, Key = {} }: GetCommandInput): object {
    const item = this.table(TableName).get(keyOf(String(TableName), Key));
    return item === undefined ? {} : { Item: structuredClone(item) };
  }

  query(input: QueryCommandInput): object {
    const partition = String(input.ExpressionAttributeNames?.['#partition']);
    const values = input.ExpressionAttributeValues ?? {};
    const found = this.items.filter(
      (item) => item[partition] === values[':partition'] && Number(item.seq) >= Number(values[':from']),
    );
    const Items = structuredClone(found.slice(0, input.Limit));
    // As the real one: a query that stopped at its limit doesn't look whether anything follows.
    return { Items, ...(Items.length === input.Limit && { LastEvaluatedKey: { seq: Items.at(-1)?.seq } }) };
  }

  private table(name: string | undefined): Map<string, Item> {
    const table = this.tables[name ?? ''];
    if (table === undefined) throw new Error(`ResourceNotFoundException: ${name}`);
    return table;
  }
}
