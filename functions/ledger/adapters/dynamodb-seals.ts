import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import { CHECKPOINT_KIND, SEAL_KIND, VERIFIED_KEY } from '#ledger/keys.ts';
import type { Checkpoint, Seal, SealStore } from '#ledger/seal.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

type Item = Readonly<Record<string, unknown>>;

const sealOf = (item: Item): Seal => ({
  n: item.number as number,
  previousSize: item.previousSize as number,
  size: item.size as number,
  root: Buffer.from(item.root as string, 'hex'),
  hash: item.hash as string,
  sealedAt: item.sealedAt as string,
});

const checkpointOf = (item: Item): Checkpoint => ({
  n: item.n as number,
  size: item.number as number,
  note: item.note as string,
  sealedAt: item.sealedAt as string,
});

/** What everyone may read of the seals. */
export interface CheckpointReader {
  lastCheckpoint(): Promise<Checkpoint | undefined>;
  /** The checkpoint of exactly this size. */
  checkpoint(size: number): Promise<Checkpoint | undefined>;
  /** Checkpoints of this size and larger ones, in order. */
  checkpointsFrom(size: number, limit: number): Promise<readonly Checkpoint[]>;
  /** Sizes of the checkpoints above this one, in order, `limit` of them at most. */
  sizesAbove(size: number, limit: number): Promise<readonly number[]>;
}

export const dynamoDbCheckpoints = (client: DynamoDBDocumentClient, table: string): CheckpointReader => ({
  lastCheckpoint: async () => {
    const item = await lastOf(client, table, CHECKPOINT_KIND);
    return item && checkpointOf(item);
  },
  checkpoint: async (size) => {
    const Key = { kind: CHECKPOINT_KIND, number: size };
    const command = new GetCommand({ TableName: table, Key, ConsistentRead: true });
    const { Item } = await orTransient('the seals', client.send(command));
    return Item && checkpointOf(Item);
  },
  checkpointsFrom: async (size, limit) => {
    const command = new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: 'kind = :kind AND #number >= :from',
      ExpressionAttributeNames: { '#number': 'number' },
      ExpressionAttributeValues: { ':kind': CHECKPOINT_KIND, ':from': size },
      Limit: limit,
    });
    const { Items = [] } = await orTransient('the seals', client.send(command));
    return Items.map(checkpointOf);
  },
  sizesAbove: async (size, limit) => {
    const read = async () => {
      const sizes: number[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: 'kind = :kind AND #number > :above',
          ExpressionAttributeNames: { '#number': 'number' },
          ExpressionAttributeValues: { ':kind': CHECKPOINT_KIND, ':above': size },
          ProjectionExpression: '#number',
          Limit: limit,
        },
      );
      for await (const { Items = [] } of pages) {
        sizes.push(...Items.map((item) => Number(item.number)));
        if (sizes.length >= limit) break;
      }
      return sizes.slice(0, limit);
    };
    return orTransient('the seals', read());
  },
});

/** How far the nightly verification came. */
export const dynamoDbProgress = (client: DynamoDBDocumentClient, table: string) => ({
  read: async (): Promise<number | undefined> => {
    const command = new GetCommand({ TableName: table, Key: VERIFIED_KEY, ConsistentRead: true });
    const { Item } = await orTransient('the seals', client.send(command));
    return Item && Number(Item.size);
  },
  save: async (size: number, at: Date): Promise<void> => {
    const Item = { ...VERIFIED_KEY, size, verifiedAt: at.toISOString() };
    await orTransient('the seals', client.send(new PutCommand({ TableName: table, Item })));
  },
});

const lastOf = async (
  client: DynamoDBDocumentClient,
  table: string,
  kind: string,
): Promise<Item | undefined> => {
  const command = new QueryCommand({
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'kind = :kind',
    ExpressionAttributeValues: { ':kind': kind },
    ScanIndexForward: false,
    Limit: 1,
  });
  const { Items = [] } = await orTransient('the seals', client.send(command));
  return Items[0];
};

/** The seals of the ledger; rows are put once and never changed. */
export const dynamoDbSeals = (client: DynamoDBDocumentClient, table: string): SealStore => {
  /** False when the row is there already. */
  const putNew = async (Item: Record<string, unknown>): Promise<boolean> => {
    const command = new PutCommand({
      TableName: table,
      Item,
      ConditionExpression: 'attribute_not_exists(kind)',
    });
    try {
      await orTransient('the seals', client.send(command));
      return true;
    } catch (error) {
      if (isNamed(error, 'ConditionalCheckFailedException')) return false;
      throw error;
    }
  };
  return {
    lastSeal: async () => {
      const item = await lastOf(client, table, SEAL_KIND);
      return item && sealOf(item);
    },
    lastCheckpoint: dynamoDbCheckpoints(client, table).lastCheckpoint,
    putSeal: ({ n, root, ...rest }) =>
      putNew({ kind: SEAL_KIND, number: n, root: Buffer.from(root).toString('hex'), ...rest }),
    putCheckpoint: async ({ size, ...rest }) => {
      await putNew({ kind: CHECKPOINT_KIND, number: size, ...rest });
    },
  };
};
