import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { awsSettings, eventually } from '../harness.ts';

const queues = new SQSClient(awsSettings);

export interface Kept {
  readonly event: object;
  readonly body: string;
  readonly reason: string | undefined;
}

const seen = new Map<string, Map<string, Kept>>();

/**
 * The event in a message. Lambda's dead-letter queue has it as it was; the local AWS wraps it there as Lambda does for
 * a failure destination.
 */
const eventOf = (body: string): { readonly id?: string } => {
  const message = JSON.parse(body) as { readonly id?: string; readonly requestPayload?: object };
  return message.requestPayload ?? message;
};

/** Takes out what is in the queue by now; an event of somebody else's stays here and harms nobody. */
const drain = async (QueueName: string): Promise<ReadonlyMap<string, Kept>> => {
  const kept = seen.get(QueueName) ?? new Map<string, Kept>();
  seen.set(QueueName, kept);
  const { QueueUrl } = await queues.send(new GetQueueUrlCommand({ QueueName }));
  for (;;) {
    const { Messages = [] } = await queues.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    if (Messages.length === 0) return kept;
    for (const { Body = '', MessageAttributes, ReceiptHandle } of Messages) {
      const event = eventOf(Body);
      kept.set(event.id ?? '', { event, body: Body, reason: MessageAttributes?.reason?.StringValue });
      await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
};

/** The event of this id, as the queue holds it. */
export const keptIn = (queueName: string, eventId: string, withinSeconds = 30): Promise<Kept> =>
  eventually(
    `event ${eventId} in ${queueName}`,
    async () => (await drain(queueName)).get(eventId),
    withinSeconds,
  );

export const isKeptIn = async (queueName: string, eventId: string): Promise<boolean> =>
  (await drain(queueName)).has(eventId);
