import { type DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import type { ReadBundle } from '#ledger/archived-bundle.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import { orTransient } from '#platform/aws-errors.ts';

/** Consistent: a record that the head tells of is never missed. */
export const dynamoDbBundles =
  (client: DynamoDBDocumentClient, table: string): ReadBundle =>
  async (bundle, end) => {
    const read = async () => {
      const records: StoredRecord[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: 'bundle = :bundle AND seq < :end',
          ExpressionAttributeValues: { ':bundle': bundle, ':end': end },
        },
      );
      for await (const { Items = [] } of pages)
        records.push(
          ...Items.map(({ seq, canonical, recordHash }) => ({
            seq: Number(seq),
            canonical: String(canonical),
            recordHash: String(recordHash),
          })),
        );
      return records;
    };
    return orTransient('the ledger', read());
  };
