import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { LedgerWriter } from '#ledger/append.ts';
import { appendReceiptsSchema } from '#ledger/tasks.ts';
import {
  ConflictError,
  InvalidRequestError,
  LedgerIntegrityError,
  type SluiceError,
  TransientError,
} from '#platform/errors.ts';

/** What Lambda says of a function that failed. */
const failureSchema = z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() });

const OURS = { InvalidRequestError, ConflictError, LedgerIntegrityError, TransientError } as const;

/**
 * The error append-records threw, as this side's class of the same name. Whatever is not known to be final (a time-out,
 * a crash, no answer) is worth another try, because a batch is appended once however often it is sent. Words that are
 * not ours may name roles and resources, and a message can reach whoever calls the API: they go into the cause.
 */
const failureOf = (payload: unknown): SluiceError => {
  const { errorType, errorMessage } = failureSchema.catch({}).parse(payload);
  const message = errorMessage ?? 'no reason given';
  const Known = Object.hasOwn(OURS, errorType ?? '') ? OURS[errorType as keyof typeof OURS] : undefined;
  return Known === undefined
    ? new TransientError("the ledger's writer failed: try again; its log says why", {
        cause: new Error(`${errorType ?? 'unknown'}: ${message}`),
      })
    : new Known(message);
};

const answerOf = (output: InvokeCommandOutput): unknown => {
  const text = output.Payload?.transformToString() ?? '';
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TransientError("the ledger's writer gave no readable answer: try again", { cause });
  }
};

/** How every other slice appends: through append-records, the only function that may write the ledger. */
export const lambdaLedgerWriter = (client: LambdaClient, writerArn: string): LedgerWriter => ({
  append: async (batchId, records) => {
    const command = new InvokeCommand({
      FunctionName: writerArn,
      Payload: Buffer.from(JSON.stringify({ batchId, records })),
    });
    const output = await client.send(command).catch((cause: unknown): never => {
      throw new TransientError("the ledger's writer could not be reached: try again", { cause });
    });
    const answer = answerOf(output);
    if (output.FunctionError !== undefined) throw failureOf(answer);
    const receipts = appendReceiptsSchema.safeParse(answer);
    if (receipts.success) return receipts.data;
    throw new TransientError("the ledger's writer gave no receipts: try again", { cause: receipts.error });
  },
});
