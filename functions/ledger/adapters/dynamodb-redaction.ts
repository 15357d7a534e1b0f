import { type DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { holdsUnchanged } from '#ledger/adapters/dynamodb-holds.ts';
import { personalKey } from '#ledger/keys.ts';
import type { RedactionPorts } from '#ledger/redact-records.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

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
      await orTransient('the personal values of records', client.send(command));
      return true;
    } catch (error) {
      if (isNamed(error, 'TransactionCanceledException')) return false;
      throw error;
    }
  };
