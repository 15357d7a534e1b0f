import * as z from 'zod';
import { BATCH_RECORDS_MAX } from '#ledger/batch.ts';
import { hashSchema, recordDraftSchema } from '#ledger/record.ts';
import { defineTasks } from '#platform/task.ts';

/** Names the step whose records these are, the same for each of its attempts. */
const batchIdSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces');

/** One batch: what append-records is invoked with, and what a message of the late-records queue holds. */
export const appendBatchSchema = z.strictObject({
  batchId: batchIdSchema,
  records: z.array(recordDraftSchema).min(1).max(BATCH_RECORDS_MAX),
});

export const appendReceiptsSchema = z
  .array(z.strictObject({ seq: z.int().min(0), id: z.string(), recordHash: hashSchema }))
  .readonly();

/** How the other slices, and workflows, call the ledger. The function's time-out leaves its callers time to react. */
export const ledgerTasks = defineTasks({
  AppendRecords: { input: appendBatchSchema, output: appendReceiptsSchema, functionTimeoutSeconds: 12 },
});
