import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { LedgerSpool } from '#ledger/append.ts';
import { orTransient } from '#platform/aws-errors.ts';
import { queueText } from '#platform/text.ts';

/** Records wait in a queue until the writer takes them; the message is the same contract as a direct call. */
export const queueLedgerSpool = (client: SQSClient, queueUrl: string): LedgerSpool => ({
  spool: async (batchId, records) => {
    const command = new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: queueText({ batchId, records }),
    });
    await orTransient('the queue of records', client.send(command));
  },
});
