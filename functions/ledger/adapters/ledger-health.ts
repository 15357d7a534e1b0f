import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { dynamoDbHead } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { bundleOf, type LedgerTables } from '#ledger/keys.ts';

export interface LedgerHealth {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly detail: string;
  readonly records: number;
}

/**
 * Whether decisions can be recorded: `down` when the tables can't be read, `degraded` when the head and the last record
 * contradict each other, as after one table was restored without the other. Two cheap reads; never throws.
 */
export const ledgerHealth = async (
  client: DynamoDBDocumentClient,
  tables: LedgerTables,
): Promise<LedgerHealth> => {
  try {
    const { size, hash } = await dynamoDbHead(client, tables)();
    const seq = Math.max(size - 1, 0);
    const Key = { bundle: bundleOf(seq), seq };
    const { Item: last } = await client.send(
      new GetCommand({ TableName: tables.ledger, Key, ConsistentRead: true }),
    );
    if (size > 0 && last?.recordHash !== hash)
      return {
        status: 'degraded',
        detail: `record ${seq} is not the one the head names; see the runbook, "LedgerTampered"`,
        records: size,
      };
    return { status: 'ok', detail: `${size} records`, records: size };
  } catch {
    return { status: 'down', detail: 'the ledger does not answer: nothing new can be decided', records: 0 };
  }
};
