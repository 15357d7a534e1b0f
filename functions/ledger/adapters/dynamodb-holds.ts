import {
  type DynamoDBDocumentClient,
  GetCommand,
  paginateScan,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import type { HoldStore } from '#ledger/change-hold.ts';
import { HOLDS_REVISION_KEY } from '#ledger/keys.ts';
import { type LegalHold, legalHoldSchema } from '#ledger/legal-hold.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

const WHAT = 'the legal holds';

/** The revision is read before the holds: whoever acts on condition of it never acts on less than it stands for. */
export const dynamoDbHoldReader =
  (client: DynamoDBDocumentClient, table: string): HoldStore['read'] =>
  async () => {
    const command = new GetCommand({ TableName: table, Key: HOLDS_REVISION_KEY, ConsistentRead: true });
    const { Item } = await orTransient(WHAT, client.send(command));
    const read = async () => {
      const holds: LegalHold[] = [];
      for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true }))
        for (const item of Items)
          if (item.holdId !== HOLDS_REVISION_KEY.holdId) holds.push(legalHoldSchema.parse(item));
      return holds.toSorted((a, b) => (a.at < b.at ? -1 : 1));
    };
    return { revision: Number(Item?.revision ?? 0), holds: await orTransient(WHAT, read()) };
  };

/** The condition, in a transaction on other tables, that no hold was put or lifted since that revision. */
export const holdsUnchanged = (TableName: string, revision: number) => ({
  ConditionCheck: { TableName, Key: HOLDS_REVISION_KEY, ...isRevision(revision) },
});

const isRevision = (revision: number) =>
  revision === 0
    ? { ConditionExpression: 'attribute_not_exists(holdId)' }
    : {
        ConditionExpression: 'revision = :revision',
        ExpressionAttributeValues: { ':revision': revision },
      };

export const dynamoDbHolds = (client: DynamoDBDocumentClient, table: string): HoldStore => ({
  read: dynamoDbHoldReader(client, table),
  put: async (hold, revision) => {
    const next = { ...HOLDS_REVISION_KEY, revision: revision + 1 };
    const command = new TransactWriteCommand({
      TransactItems: [
        {
          Put: {
            TableName: table,
            Item: next,
            ...isRevision(revision),
          },
        },
        { Put: { TableName: table, Item: hold } },
      ],
    });
    try {
      await orTransient(WHAT, client.send(command));
      return true;
    } catch (error) {
      if (isNamed(error, 'TransactionCanceledException')) return false;
      throw error;
    }
  },
});
