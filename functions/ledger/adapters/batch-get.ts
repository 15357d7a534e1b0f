import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb';
import { orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';

/** BatchGetItem takes so many keys. */
export const KEYS_MAX = 100;

/** BatchGetItem answers with what it had time for; asked so often, DynamoDB is in trouble. */
const ANSWERS_MAX = 8;

type Item = Record<string, unknown>;

/** At most 100 items by their keys, in no order; consistent. */
export const batchGet = async (
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly Item[],
  what: string,
): Promise<readonly Item[]> => {
  const items: Item[] = [];
  let Keys = [...keys];
  for (let answer = 0; Keys.length > 0; answer += 1) {
    if (answer === ANSWERS_MAX) throw new TransientError(`${what} did not give all records: try again`);
    const command = new BatchGetCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } });
    const { Responses, UnprocessedKeys }: BatchGetCommandOutput = await orTransient(
      what,
      client.send(command),
    );
    items.push(...(Responses?.[table] ?? []));
    Keys = UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return items;
};
