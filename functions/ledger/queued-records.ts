import * as z from 'zod';
import type { LedgerWriter } from '#ledger/append.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';

/**
 * Messages of the writer's queues as Lambda hands them over. A direct call has a batch id and records and nothing else,
 * this has `Records` and nothing else: neither passes for the other.
 */
export const queuedRecordsEventSchema = z.strictObject({
  Records: z
    .array(
      z.object({
        messageId: z.string(),
        body: z.string(),
        eventSource: z.literal('aws:sqs'),
        eventSourceARN: z.string(),
      }),
    )
    .min(1),
});

/** Which queue: records of restores that the writer was not there for, or what was captured elsewhere. */
export type QueueKind = 'late' | 'captured';

export interface QueuePorts {
  readonly kindOf: (queueArn: string) => QueueKind;
  readonly append: Readonly<Record<QueueKind, LedgerWriter['append']>>;
  readonly onAppended: (kind: QueueKind, records: number) => void;
  /** A message that stays in the queue, and ends in its dead-letter queue after some tries. */
  readonly onFailed: (messageId: string, error: unknown) => void;
  /** Whether another batch, at its slowest, still fits into the function's time. */
  readonly isTimeLeft: () => boolean;
}

/** Names the messages to keep: Lambda deletes all others. */
export interface KeptMessages {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * One message after the other, each on its own: what is wrong with one doesn't hold up the next. When the ledger itself
 * is out of reach, or time runs out, trying the rest would only end in the middle of one: they are kept as they are.
 */
export const appendQueuedRecords = async (
  event: z.infer<typeof queuedRecordsEventSchema>,
  ports: QueuePorts,
): Promise<KeptMessages> => {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  let outOfReach = false;
  for (const { messageId, body, eventSourceARN } of event.Records) {
    if (outOfReach || !ports.isTimeLeft()) {
      batchItemFailures.push({ itemIdentifier: messageId });
      continue;
    }
    const kind = ports.kindOf(eventSourceARN);
    try {
      const batch = parseOrRefuse(appendBatchSchema, JSON.parse(body), 'the queued batch');
      await ports.append[kind](batch.batchId, batch.records);
      ports.onAppended(kind, batch.records.length);
    } catch (error) {
      // One delivery, captured before: told again by newer code or with other settings. What was said first stands.
      if (kind === 'captured' && error instanceof ConflictError) continue;
      ports.onFailed(messageId, error);
      outOfReach = error instanceof TransientError;
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
};
