import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { LedgerSpool } from '#ledger/append.ts';
import { orTransient } from '#platform/aws-errors.ts';

/** Late records wait in a queue until the writer is back; the message is the same contract as a direct call. */
export const queueLedgerSpool = (client: SQSClient, queueUrl: string): LedgerSpool => ({
  spool: async (batchId, records) => {
    const command = new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: JSON.stringify({ batchId, records }),
    });
    await orTransient('the queue of late records', client.send(command));
  },
});
