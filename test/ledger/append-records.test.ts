import { BatchGetCommand, DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { aBatchId, aDraft } from './drafts.ts';
import { DynamoDbModel } from './dynamodb-model.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'append-records');
vi.stubEnv('LEDGER_TABLE', 'ledger');
vi.stubEnv('LEDGER_HEADS_TABLE', 'heads');
vi.stubEnv('LEDGER_PERSONAL_TABLE', 'personal');
vi.stubEnv('CAPTURES_QUEUE_ARN', 'arn:aws:sqs:eu-west-1:1:captures');
const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
vi.spyOn(console, 'error').mockImplementation(() => {});
const { handler } = await import('#ledger/append-records.handler.ts');

const dynamo = mockClient(DynamoDBDocumentClient);
let model: DynamoDbModel;

beforeEach(() => {
  dynamo.reset();
  printed.mockClear();
  model = new DynamoDbModel();
  remaining = 12_000;
  dynamo.on(BatchGetCommand).callsFake((input) => model.batchGet(input));
  dynamo.on(TransactWriteCommand).callsFake((input) => model.transactWrite(input));
});

let remaining = 12_000;

const invoke = (event: unknown) =>
  handler(event, { awsRequestId: 'r', getRemainingTimeInMillis: () => remaining } as Context);

const message = (messageId: string, body: unknown, queue = 'late-records') => ({
  messageId,
  receiptHandle: 'h',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  attributes: {},
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: `arn:aws:sqs:eu-west-1:1:${queue}`,
  awsRegion: 'eu-west-1',
});

const dataOf = () => model.items.map(({ canonical }) => JSON.parse(String(canonical)).data);

describe('append-records, called directly', () => {
  it('appends a batch and answers with its receipts', async () => {
    const receipts = await invoke({ batchId: aBatchId(), records: [aDraft({ n: 1 }), aDraft({ n: 2 })] });
    expect(receipts).toMatchObject([{ seq: 0 }, { seq: 1 }]);
    expect(dataOf()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it.each([
    ['nothing', {}],
    ['an empty batch', { batchId: 'b', records: [] }],
    ['an unknown key', { batchId: 'b', records: [aDraft()], late: true }],
    [
      'a batch that also looks like messages',
      { batchId: 'b', records: [aDraft()], Records: [message('m', '')] },
    ],
    [
      'messages of something else than a queue',
      { Records: [{ ...message('m', ''), eventSource: 'aws:s3' }] },
    ],
    ['a record of no known type', { batchId: 'b', records: [aDraft({}, 'release.requested' as never)] }],
  ])('refuses %s and appends nothing', async (_, event) => {
    await expect(invoke(event)).rejects.toMatchObject({ name: 'InvalidRequestError' });
    expect(model.items).toEqual([]);
  });
});

describe('append-records, called by the queue of late records', () => {
  it('appends each message as a batch of its own, marked late, and counts the records', async () => {
    const event = {
      Records: [
        message('m1', { batchId: aBatchId(), records: [aDraft({ n: 1 }), aDraft({ n: 2 })] }),
        message('m2', { batchId: aBatchId(), records: [aDraft({ n: 3 })] }),
      ],
    };
    expect(await invoke(event)).toEqual({ batchItemFailures: [] });
    expect(dataOf()).toMatchObject([
      { n: 1, late: true },
      { n: 2, late: true },
      { n: 3, late: true, appendedAt: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    const metric = printed.mock.calls
      .map(([line]) => String(line))
      .find((line) => line.includes('LedgerRecordLate'));
    expect(JSON.parse(metric ?? '{}').LedgerRecordLate).toEqual([2, 1]);
  });

  it('keeps a message that can never be appended and does not let it hold up the others', async () => {
    const used = aBatchId();
    await invoke({ batchId: used, records: [aDraft({ verdict: 'promote' })] });
    const event = {
      Records: [
        message('not-json', 'garbage'),
        message('no-batch', { Records: [] }),
        message('conflict', { batchId: used, records: [aDraft({ verdict: 'rollback' })] }),
        message('good', { batchId: aBatchId(), records: [aDraft({ n: 1 })] }),
      ],
    };
    expect(await invoke(event)).toEqual({
      batchItemFailures: ['not-json', 'no-batch', 'conflict'].map((itemIdentifier) => ({ itemIdentifier })),
    });
    expect(dataOf()).toMatchObject([{ verdict: 'promote' }, { n: 1, late: true }]);
  });

  it('deletes a message whose batch had reached the ledger after all, and appends nothing', async () => {
    const batch = { batchId: aBatchId(), records: [aDraft({ n: 1 })] };
    await invoke(batch);
    expect(await invoke({ Records: [message('m', batch)] })).toEqual({ batchItemFailures: [] });
    expect(dataOf()).toEqual([{ n: 1 }]);
  });

  it('keeps all that is left when the ledger is out of reach, without trying each', async () => {
    dynamo.on(BatchGetCommand).rejects(Object.assign(new Error('slow'), { name: 'TimeoutError' }));
    const event = {
      Records: ['m1', 'm2', 'm3'].map((id) => message(id, { batchId: aBatchId(), records: [aDraft()] })),
    };
    expect(await invoke(event)).toEqual({
      batchItemFailures: ['m1', 'm2', 'm3'].map((itemIdentifier) => ({ itemIdentifier })),
    });
    expect(dynamo.commandCalls(BatchGetCommand).length).toBe(1);
  });

  it('begins no batch that may not end in time', async () => {
    remaining = 8_000;
    const event = { Records: [message('m', { batchId: aBatchId(), records: [aDraft()] })] };
    expect(await invoke(event)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    expect(model.items).toEqual([]);
  });
});

describe('append-records, called by the queue of captures', () => {
  const captured = (messageId: string, body: unknown) => message(messageId, body, 'captures');

  it('appends them as they are, not marked late and not counted as such', async () => {
    const batch = { batchId: aBatchId(), records: [aDraft({ n: 1 })] };
    expect(await invoke({ Records: [captured('m', batch)] })).toEqual({ batchItemFailures: [] });
    expect(dataOf()).toEqual([{ n: 1 }]);
    expect(printed.mock.calls.filter(([line]) => String(line).includes('LedgerRecordLate'))).toEqual([]);
  });

  it('lets what was said of a delivery first stand, and is done with it', async () => {
    const batchId = aBatchId();
    await invoke({ Records: [captured('m', { batchId, records: [aDraft({ n: 1 })] })] });
    const again = { Records: [captured('m', { batchId, records: [aDraft({ n: 2 })] })] };
    expect(await invoke(again)).toEqual({ batchItemFailures: [] });
    expect(dataOf()).toEqual([{ n: 1 }]);
  });

  it('keeps what can never be appended, and takes what comes behind it', async () => {
    const event = {
      Records: [captured('bad', '{'), captured('good', { batchId: aBatchId(), records: [aDraft({ n: 1 })] })],
    };
    expect(await invoke(event)).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad' }] });
    expect(dataOf()).toEqual([{ n: 1 }]);
  });
});
