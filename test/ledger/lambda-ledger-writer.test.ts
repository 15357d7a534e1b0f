import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { aDraft, aReleaseId } from './drafts.ts';

const lambda = mockClient(LambdaClient);
const writer = lambdaLedgerWriter(new LambdaClient({ region: 'eu-west-1' }), 'arn:writer:7');
const receipts = [{ seq: 41, id: '01JGXQ00000000000000000000', recordHash: 'a'.repeat(64) }];

/** As the SDK hands a payload over: bytes that can tell their text. */
const payload = (body: unknown) => {
  const text = JSON.stringify(body);
  return Object.assign(new Uint8Array(Buffer.from(text)), { transformToString: () => text });
};

const answer = (body: unknown, FunctionError?: string) =>
  lambda
    .on(InvokeCommand)
    .resolves({ Payload: payload(body), ...(FunctionError !== undefined && { FunctionError }) });

beforeEach(() => lambda.reset());

describe('the writer that other slices use', () => {
  it('invokes append-records with its contract and gives its receipts', async () => {
    answer(receipts);
    const draft = aDraft({ releaseId: aReleaseId() });
    expect(await writer.append('step/1', [draft])).toEqual(receipts);
    const { input } = lambda.commandCalls(InvokeCommand)[0]?.args[0] ?? {};
    expect(input?.FunctionName).toBe('arn:writer:7');
    const sent = JSON.parse(Buffer.from(input?.Payload as Uint8Array).toString());
    expect(appendBatchSchema.parse(sent)).toEqual({ batchId: 'step/1', records: [draft] });
  });

  it.each(['InvalidRequestError', 'ConflictError', 'LedgerIntegrityError', 'TransientError'])(
    'tells the %s of append-records as it is',
    async (name) => {
      answer({ errorType: name, errorMessage: 'why' }, 'Unhandled');
      await expect(writer.append('step/1', [aDraft()])).rejects.toMatchObject({ name, message: 'why' });
    },
  );

  it.each(['Sandbox.Timedout', 'Runtime.ExitError', 'AccessDeniedException', 'constructor'])(
    'tells the %s of append-records as a passing trouble, its words only to the log',
    async (errorType) => {
      const errorMessage = 'User: arn:aws:sts::1:assumed-role/writer may not';
      answer({ errorType, errorMessage }, 'Unhandled');
      const error = await writer.append('step/1', [aDraft()]).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        name: 'TransientError',
        cause: { message: `${errorType}: ${errorMessage}` },
      });
      expect((error as Error).message).not.toContain('arn:aws');
    },
  );

  it('takes no answer, half an answer and a strange one for reasons to try again', async () => {
    const tryAgain = { name: 'TransientError' };
    lambda.on(InvokeCommand).rejects(Object.assign(new Error('slow'), { name: 'TimeoutError' }));
    await expect(writer.append('step/1', [aDraft()])).rejects.toMatchObject(tryAgain);
    lambda.reset();
    lambda.on(InvokeCommand).resolves({});
    await expect(writer.append('step/1', [aDraft()])).rejects.toMatchObject(tryAgain);
    lambda.reset();
    answer({ receipts: 'none' });
    await expect(writer.append('step/1', [aDraft()])).rejects.toMatchObject(tryAgain);
    lambda.reset();
    answer('gone', 'Unhandled');
    await expect(writer.append('step/1', [aDraft()])).rejects.toMatchObject(tryAgain);
  });
});

describe('the spool of late records', () => {
  it('sends what a direct call would have sent', async () => {
    const sqs = mockClient(SQSClient);
    sqs.on(SendMessageCommand).resolves({});
    const spool = queueLedgerSpool(new SQSClient({ region: 'eu-west-1' }), 'https://queue');
    await spool.spool('step/1', [aDraft({ n: 1 })]);
    const { input } = sqs.commandCalls(SendMessageCommand)[0]?.args[0] ?? {};
    expect(input?.QueueUrl).toBe('https://queue');
    expect(appendBatchSchema.parse(JSON.parse(input?.MessageBody ?? ''))).toEqual({
      batchId: 'step/1',
      records: [aDraft({ n: 1 })],
    });
  });
});
