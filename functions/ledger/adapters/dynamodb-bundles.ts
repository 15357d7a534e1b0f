import { type DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import type { StoredRecord } from '#ledger/export-line.ts';
import { orTransient } from '#platform/aws-errors.ts';

/** A bundle's records below number `end`, as they are stored. */
export type ReadBundle = (bundle: number, end: number) => Promise<readonly StoredRecord[]>;

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
