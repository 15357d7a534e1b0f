import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { orTransient } from '#platform/aws-errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { storedSchema } from '#releases/adapters/dynamodb-release-item.ts';
import { RELEASES, releaseKey } from '#releases/keys.ts';
import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** Releases by the table's indexes, newest first; an index may lag behind a write for some moments. */
export const dynamoDbReleaseLists = (
  client: DynamoDBDocumentClient,
  table: string,
): Pick<ReleaseStore, 'list' | 'open'> => {
  const query = async (
    index: string,
    key: string,
    value: string,
    page: { after?: string; limit: number },
  ) => {
    const { Items = [], LastEvaluatedKey } = await orTransient(
      'table releases',
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: index,
          KeyConditionExpression: '#key = :value',
          ExpressionAttributeNames: { '#key': key },
          ExpressionAttributeValues: { ':value': value },
          ScanIndexForward: false,
          Limit: page.limit,
          ...(page.after !== undefined && {
            ExclusiveStartKey: {
              ...releaseKey(page.after as ReleaseId),
              [key]: value,
              releaseId: page.after,
            },
          }),
        }),
      ),
    );
    const releases = Items.map((item) => storedSchema.parse(item));
    const last = LastEvaluatedKey === undefined ? undefined : releases.at(-1)?.releaseId;
    return { releases, ...(last !== undefined && { next: last }) };
  };

  return {
    list: ({ service, after, limit }) => {
      const page = { limit, ...(after !== undefined && { after }) };
      return service === undefined
        ? query(RELEASES.byTime, 'all', RELEASES.all, page)
        : query(RELEASES.byService, 'service', service, page);
    },
    open: async () => {
      const found: Release[] = [];
      let after: string | undefined;
      do {
        const page = await query(RELEASES.open, 'open', RELEASES.openMark, {
          limit: 100,
          ...(after !== undefined && { after }),
        });
        found.push(...page.releases);
        after = page.next;
      } while (after !== undefined);
      return found.reverse();
    },
  };
};
