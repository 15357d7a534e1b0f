import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { LedgerRecord } from '../../../functions/ledger/record.ts';
import { auditRoutes } from '../../../functions/ledger/routes.ts';
import { awsSettings, operator } from '../harness.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient(awsSettings));
const workflows = new SFNClient(awsSettings);

const itemsOf = async (TableName: string): Promise<readonly string[]> => {
  const items: string[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true }))
    items.push(...Items.map((item) => JSON.stringify(item)));
  return items.toSorted();
};

/** Everything that the API can make, beside the ledger: to be the same before and after what must have no effect. */
export const everythingStored = async (): Promise<object> => {
  const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:sluice-release';
  const [releases, services, holds, { executions = [] }] = await Promise.all([
    itemsOf('sluice-releases'),
    itemsOf('sluice-services'),
    itemsOf('sluice-holds'),
    workflows.send(new ListExecutionsCommand({ stateMachineArn })),
  ]);
  return { releases, services, holds, executions: executions.map(({ name }) => name).toSorted() };
};

export const ledgerSize = async (): Promise<number> =>
  (await operator.call(auditRoutes.listRecords, { query: { limit: 1 } })).head.size;

/** The records from number `seq` on. Their cursor is opaque to callers; a test that starts late makes its own. */
export const recordsFrom = async (seq: number): Promise<readonly LedgerRecord[]> => {
  const records: LedgerRecord[] = [];
  let cursor: string | undefined = Buffer.from(String(seq)).toString('base64url');
  while (cursor !== undefined) {
    const page: { records: readonly LedgerRecord[]; next?: string | undefined } = await operator.call(
      auditRoutes.listRecords,
      { query: { limit: 256, cursor } },
    );
    records.push(...page.records);
    cursor = page.next;
  }
  return records;
};
