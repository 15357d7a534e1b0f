import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
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

/** How many batches are in the queue, being tried or waiting; SQS's own estimate. */
export const lateBatchesWaiting = async (client: SQSClient, queueUrl: string): Promise<number> => {
  const command = new GetQueueAttributesCommand({
    QueueUrl: queueUrl,
    AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
  });
  const { Attributes = {} } = await orTransient('the queue of late records', client.send(command));
  return (
    Number(Attributes.ApproximateNumberOfMessages ?? 0) +
    Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0)
  );
};
