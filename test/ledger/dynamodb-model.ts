import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type {
  BatchGetCommandInput,
  BatchWriteCommandInput,
  DeleteCommandInput,
  GetCommandInput,
  PutCommandInput,
  QueryCommandInput,
  ScanCommandInput,
  TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';

type Item = Record<string, unknown>;
type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
type Conditional = Pick<
  PutCommandInput,
  'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

const KEYS: Readonly<Record<string, readonly string[]>> = {
  ledger: ['bundle', 'seq'],
  heads: ['pk'],
  index: ['term', 'place'],
  archives: ['kind', 'number'],
  holds: ['holdId'],
  personal: ['bundle', 'seq'],
};

const keyOf = (table: string, item: Item): string =>
  JSON.stringify((KEYS[table] ?? []).map((name) => item[name]));

/** The conditions that the ledger uses: `attribute_not_exists(x)`, `a = :b`, `a <= :b`, and AND or OR between them. */
const holds = (put: Conditional, present: Item | undefined): boolean => {
  const nameOf = (name: string) => put.ExpressionAttributeNames?.[name] ?? name;
  const isTrue = (term: string): boolean => {
    const absent = /^attribute_not_exists\((\S+)\)$/.exec(term)?.[1];
    if (absent !== undefined) return present?.[nameOf(absent)] === undefined;
    const [, left = '', operator = '', right = ''] = /^(\S+) (=|<=) (\S+)$/.exec(term) ?? [];
    if (left === '') throw new Error(`the model does not know the condition ${term}`);
    const [is, wanted] = [present?.[nameOf(left)], put.ExpressionAttributeValues?.[right]];
    return is !== undefined && (operator === '=' ? is === wanted : Number(is) <= Number(wanted));
  };
  const { ConditionExpression = '' } = put;
  if (ConditionExpression === '') return true;
  return ConditionExpression.split(' OR ').some((either) => either.split(' AND ').every(isTrue));
};

/**
 * As much of DynamoDB as the ledger rests on: transactions that happen whole or not at all, conditions, and queries in
 * key order that stop at `Limit`. Tables are named `ledger`, `heads`, `index`, `archives`, `holds` and
 * `personal`.
 */
export class DynamoDbModel {
  readonly tables: Readonly<Record<string, Map<string, Item>>> = {
    ledger: new Map(),
    heads: new Map(),
    index: new Map(),
    archives: new Map(),
    holds: new Map(),
    personal: new Map(),
  };

  /** The ledger's items by number. */
  get items(): readonly Item[] {
    return [...this.table('ledger').values()].sort((a, b) => Number(a.seq) - Number(b.seq));
  }

  transactWrite({ TransactItems = [] }: TransactWriteCommandInput): object {
    if (TransactItems.length > 100) throw new Error('ValidationException: at most 100 actions');
    const actions = TransactItems.map((action: Action) => {
      const made = action.Put ?? action.Delete ?? action.ConditionCheck;
      if (made === undefined) throw new Error('the model knows puts, deletes and checks only');
      const key = keyOf(String(made.TableName), action.Put?.Item ?? (made as { Key?: Item }).Key ?? {});
      return { action, made, key, table: this.table(made.TableName) };
    });
    if (new Set(actions.map(({ made, key }) => `${made.TableName}${key}`)).size < actions.length)
      throw new Error('ValidationException: several actions on one item');
    const CancellationReasons = actions.map(({ made, key, table }) => ({
      Code: holds(made, table.get(key)) ? 'None' : 'ConditionalCheckFailed',
    }));
    if (CancellationReasons.some(({ Code }) => Code !== 'None'))
      throw new TransactionCanceledException({ message: 'cancelled', $metadata: {}, CancellationReasons });
    for (const { action, key, table } of actions)
      if (action.Put !== undefined) table.set(key, structuredClone(action.Put.Item ?? {}));
      else if (action.Delete !== undefined) table.delete(key);
    return {};
  }

  scan({ TableName }: ScanCommandInput): object {
    return { Items: structuredClone([...this.table(TableName).values()]) };
  }

  get({ TableName, Key = {} }: GetCommandInput): object {
    const item = this.table(TableName).get(keyOf(String(TableName), Key));
    return item === undefined ? {} : { Item: structuredClone(item) };
  }

  delete({ TableName, Key = {} }: DeleteCommandInput): object {
    this.table(TableName).delete(keyOf(String(TableName), Key));
    return {};
  }

  put(input: PutCommandInput): object {
    const table = this.table(input.TableName);
    const key = keyOf(String(input.TableName), input.Item ?? {});
    if (!holds(input, table.get(key)))
      throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} });
    table.set(key, structuredClone(input.Item ?? {}));
    return {};
  }

  /** Does all but the last when there are several, as a busy table does. */
  batchWrite({ RequestItems = {} }: BatchWriteCommandInput): object {
    const [[name, requests] = ['', []]] = Object.entries(RequestItems);
    if (requests.length > 25) throw new Error('ValidationException: at most 25 puts');
    const done = requests.length > 1 ? requests.slice(0, -1) : requests;
    for (const { PutRequest } of done) {
      if (PutRequest?.Item === undefined) throw new Error('the model knows puts only');
      this.table(name).set(keyOf(name, PutRequest.Item), structuredClone(PutRequest.Item));
    }
    return { UnprocessedItems: { [name]: requests.slice(done.length) } };
  }

  /** Gives half of what is asked for, backwards, as it may. */
  batchGet({ RequestItems = {} }: BatchGetCommandInput): object {
    const [[name, { Keys = [] }] = ['', {}]] = Object.entries(RequestItems);
    if (Keys.length > 100) throw new Error('ValidationException: at most 100 keys');
    const given = Keys.slice(0, Math.ceil(Keys.length / 2)).toReversed();
    const items = given.flatMap((Key) => this.table(name).get(keyOf(name, Key)) ?? []);
    const left = Keys.slice(given.length);
    return {
      Responses: { [name]: structuredClone(items) },
      UnprocessedKeys: left.length > 0 ? { [name]: { Keys: left } } : {},
    };
  }

  query(input: QueryCommandInput): object {
    if (input.TableName === 'archives') return this.queryArchives(input);
    return input.TableName === 'index' ? this.queryIndex(input) : this.queryLedger(input);
  }

  private queryArchives({ ExpressionAttributeValues: values = {} }: QueryCommandInput): object {
    const Items = [...this.table('archives').values()]
      .filter(({ kind, number }) => kind === values[':kind'] && Number(number) >= Number(values[':from']))
      .toSorted((a, b) => Number(a.number) - Number(b.number));
    return { Items: structuredClone(Items) };
  }

  private queryIndex({ ExpressionAttributeValues: values = {}, Limit }: QueryCommandInput): object {
    const Items = [...this.table('index').values()]
      .filter(({ term, place }) => {
        const at = String(place);
        return term === values[':term'] && at >= values[':from'] && at <= values[':before'];
      })
      .toSorted((a, b) => (String(a.place) < String(b.place) ? -1 : 1));
    return { Items: structuredClone(Items.slice(0, Limit)) };
  }

  private queryLedger(input: QueryCommandInput): object {
    const partition = String(input.ExpressionAttributeNames?.['#partition']);
    const values = input.ExpressionAttributeValues ?? {};
    if (values[':end'] !== undefined) {
      const below = this.items.filter(
        ({ bundle, seq }) => bundle === values[':bundle'] && Number(seq) < Number(values[':end']),
      );
      return { Items: structuredClone(below) };
    }
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
