import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { batchGet, KEYS_MAX } from '#ledger/adapters/batch-get.ts';
import type { ReadPersonal } from '#ledger/disclose-records.ts';
import { personalKey } from '#ledger/keys.ts';
import type { Disclosures } from '#ledger/personal.ts';

const WHAT = 'the personal values of records';

export const dynamoDbPersonal =
  (client: DynamoDBDocumentClient, table: string): ReadPersonal =>
  async (seqs) => {
    const found = new Map<number, Disclosures>();
    for (let start = 0; start < seqs.length; start += KEYS_MAX) {
      const keys = seqs.slice(start, start + KEYS_MAX).map(personalKey);
      for (const { seq, disclosures } of await batchGet(client, table, keys, WHAT))
        found.set(Number(seq), disclosures as Disclosures);
    }
    return found;
  };
