import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbLedger } from '#ledger/adapters/dynamodb-ledger.ts';
import { BATCH_RECORDS_MAX } from '#ledger/batch.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/credentials.ts';
import { A_ULID, aDraft } from './export-of.ts';

const SECONDS = 5;

/** Tables as the stack has them, but for the index and the stream, which cost the writer nothing. */
const createTables = async (
  client: DynamoDBClient,
): Promise<{ ledger: string; heads: string; personal: string }> => {
  const run = randomUUID();
  const tables = { ledger: `ledger-${run}`, heads: `heads-${run}`, personal: `personal-${run}` };
  const keys = {
    [tables.ledger]: { bundle: 'N', seq: 'N' },
    [tables.personal]: { bundle: 'N', seq: 'N' },
    [tables.heads]: { pk: 'S' },
  } as const;
  for (const [TableName, types] of Object.entries(keys)) {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: Object.entries(types).map(([AttributeName, AttributeType]) => ({
          AttributeName,
          AttributeType,
        })),
        KeySchema: Object.keys(types).map((AttributeName, place) => ({
          AttributeName,
          KeyType: place === 0 ? 'HASH' : 'RANGE',
        })),
      }),
    );
    await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 0.1, maxDelay: 1 }, { TableName });
  }
  return tables;
};

export interface Appended {
  readonly writers: number;
  readonly batch: number;
  readonly batchesPerSecond: number;
  readonly recordsPerSecond: number;
  /** Attempts that were lost to another writer, for each batch. */
  readonly lostPerBatch: number;
  readonly slowestMilliseconds: number;
}

/** So many writers append batches of so many records for some seconds, each its next when it has its last. */
const measure = async (client: DynamoDBClient, writers: number, batch: number): Promise<Appended> => {
  const tables = await createTables(client);
  let [lost, batches, slowest] = [0, 0, 0];
  const ledger = dynamoDbLedger(DynamoDBDocumentClient.from(client), tables, {
    now: () => new Date(),
    newUlid: () => A_ULID,
    newSalt: () => randomBytes(16).toString('base64url'),
    random: Math.random,
    sleep: async (milliseconds) => sleep(milliseconds),
    contended: () => {
      lost += 1;
    },
  });
  const began = performance.now();
  const isTimeLeft = (): boolean => performance.now() - began < SECONDS * 1_000;
  const write = async (): Promise<void> => {
    while (isTimeLeft()) {
      const since = performance.now();
      await ledger.append(
        randomUUID(),
        Array.from({ length: batch }, (_, n) => aDraft(n)),
      );
      batches += 1;
      slowest = Math.max(slowest, performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  const seconds = (performance.now() - began) / 1_000;
  return {
    writers,
    batch,
    batchesPerSecond: batches / seconds,
    recordsPerSecond: (batches * batch) / seconds,
    lostPerBatch: lost / batches,
    slowestMilliseconds: slowest,
  };
};

/** The writer's own code over a DynamoDB of this machine: one alone, one with full batches, many that meet. */
export const measureAppends = async (endpoint: string): Promise<readonly Appended[]> => {
  const client = new DynamoDBClient({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    return [
      await measure(client, 1, 1),
      await measure(client, 1, BATCH_RECORDS_MAX),
      await measure(client, 10, 2),
    ];
  } finally {
    client.destroy();
  }
};
