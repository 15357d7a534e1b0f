import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { orTransient } from '#platform/aws-errors.ts';
import type { RefusedQueue } from '#releases/refused-event.ts';

/** SQS takes no control characters in an attribute and no more than this matters in a list of messages. */
const REASON_MAX = 200;

export const sqsRefusedQueue = (client: SQSClient, queueUrl: string): RefusedQueue => ({
  send: async (text, reason) => {
    await orTransient(
      'queue refused-requests',
      client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: text,
          MessageAttributes: {
            reason: {
              DataType: 'String',
              StringValue: reason.replace(/[^\x20-\x7e]/g, '?').slice(0, REASON_MAX) || 'unknown',
            },
          },
        }),
      ),
    );
  },
});
