import * as z from 'zod';
import type { LedgerWriter } from '#ledger/append.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { TransientError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';

/**
 * Messages of the late-records queue as Lambda hands them over. A direct call has a batch id and records and nothing
 * else, this has `Records` and nothing else: neither passes for the other.
 */
export const lateRecordsEventSchema = z.strictObject({
  Records: z
    .array(z.object({ messageId: z.string(), body: z.string(), eventSource: z.literal('aws:sqs') }))
    .min(1),
});

interface LatePorts {
  readonly appendLate: LedgerWriter['append'];
  readonly onAppended: (records: number) => void;
  /** A message that stays in the queue, and ends in its dead-letter queue after some tries. */
  readonly onFailed: (messageId: string, error: unknown) => void;
}

/** Names the messages to keep: Lambda deletes all others. */
export interface KeptMessages {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * One message after the other, each on its own: what is wrong with one doesn't hold up the next. When the ledger itself
 * is out of reach, trying the rest would only use up the function's time: they are kept as they are.
 */
export const appendLateRecords = async (
  event: z.infer<typeof lateRecordsEventSchema>,
  ports: LatePorts,
): Promise<KeptMessages> => {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  let outOfReach = false;
  for (const { messageId, body } of event.Records) {
    if (outOfReach) {
      batchItemFailures.push({ itemIdentifier: messageId });
      continue;
    }
    try {
      const batch = parseOrRefuse(appendBatchSchema, JSON.parse(body), 'the late batch');
      await ports.appendLate(batch.batchId, batch.records);
      ports.onAppended(batch.records.length);
    } catch (error) {
      ports.onFailed(messageId, error);
      outOfReach = error instanceof TransientError;
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
};
