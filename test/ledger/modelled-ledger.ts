import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { dynamoDbBundlesOf } from '#ledger/adapters/dynamodb-archives.ts';
import { dynamoDbLedger, type Surroundings } from '#ledger/adapters/dynamodb-ledger.ts';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { dynamoDbRecordIndex } from '#ledger/adapters/dynamodb-record-index.ts';
import { archivedRecords } from '#ledger/archived-bundle.ts';
import { newUlid } from '#platform/new-id.ts';
import { DynamoDbModel } from './dynamodb-model.ts';

export const TABLES = {
  ledger: 'ledger',
  heads: 'heads',
  archives: 'archives',
  holds: 'holds',
  personal: 'personal',
} as const;

/** Stands around each call to DynamoDB: lets others go first, loses the request, or loses the answer. */
type Interference = (act: () => object) => Promise<object>;

/** The DynamoDB adapters over a model of DynamoDB. */
export const modelledLedger = (over: Partial<Surroundings> & { readonly interfere?: Interference } = {}) => {
  const { interfere = async (act) => act(), ...surroundings } = over;
  const model = new DynamoDbModel();
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
  const answer =
    <I>(act: (input: I) => object) =>
    (input: I) =>
      interfere(() => act(input));
  const calls = mockClient(client);
  calls.on(GetCommand).callsFake(answer((input) => model.get(input as never)));
  calls.on(QueryCommand).callsFake(answer((input) => model.query(input as never)));
  calls.on(ScanCommand).callsFake(answer((input) => model.scan(input as never)));
  calls.on(BatchGetCommand).callsFake(answer((input) => model.batchGet(input as never)));
  calls.on(BatchWriteCommand).callsFake(answer((input) => model.batchWrite(input as never)));
  calls.on(DeleteCommand).callsFake(answer((input) => model.delete(input as never)));
  calls.on(PutCommand).callsFake(answer((input) => model.put(input as never)));
  calls.on(TransactWriteCommand).callsFake(answer((input) => model.transactWrite(input as never)));
  const writer = dynamoDbLedger(client, TABLES, {
    now: () => new Date('2026-01-05T10:00:00.000Z'),
    newUlid,
    newSalt: () => randomBytes(16).toString('base64url'),
    random: () => 0.5,
    sleep: async () => {},
    contended: () => {},
    ...surroundings,
  });
  const kept = new Map<number, Uint8Array>();
  const reader = dynamoDbLedgerReader(
    client,
    TABLES,
    {
      bundle: async (bundle) => {
        const bytes = kept.get(bundle);
        return bytes && archivedRecords(bundle, bytes);
      },
      bundlesOf: dynamoDbBundlesOf(client, TABLES.archives),
    },
    dynamoDbPersonal(client, TABLES.personal),
  );
  const index = dynamoDbRecordIndex(client, 'index', async () => {});
  return { model, client, calls, writer, reader, index, kept };
};
