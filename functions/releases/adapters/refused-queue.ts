import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { orTransient } from '#platform/aws-errors.ts';

/** Where refused events stay to be looked at, whole, with the reason beside them. */
export interface RefusedQueue {
  /** @param text the event, in characters that SQS takes */
  send(text: string, reason: string): Promise<void>;
}

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
