import { type DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { batchGet, KEYS_MAX } from '#ledger/adapters/batch-get.ts';
import { holdsUnchanged } from '#ledger/adapters/dynamodb-holds.ts';
import type { ReadPersonal } from '#ledger/disclose-records.ts';
import { personalKey } from '#ledger/keys.ts';
import type { Disclosures } from '#ledger/personal.ts';
import type { RedactionPorts } from '#ledger/redact-records.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

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

/** Deletes values and salts, on the condition that no hold came since the holds were looked at. */
export const forgetPersonal =
  (
    client: DynamoDBDocumentClient,
    tables: { readonly personal: string; readonly holds: string },
  ): RedactionPorts['forget'] =>
  async (seqs, holdsRevision) => {
    const deletes = seqs.map((seq) => ({ Delete: { TableName: tables.personal, Key: personalKey(seq) } }));
    const command = new TransactWriteCommand({
      TransactItems: [holdsUnchanged(tables.holds, holdsRevision), ...deletes],
    });
    try {
      await orTransient(WHAT, client.send(command));
      return true;
    } catch (error) {
      if (isNamed(error, 'TransactionCanceledException')) return false;
      throw error;
    }
  };
