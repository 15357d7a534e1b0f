import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PEOPLES_RECORDS_MAX } from '#ledger/batch.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { callEvent, pipelineEvent, session } from '../builders/aws-events.ts';
import { aRegisteredService } from '../builders/service.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'capture-aws');
vi.stubEnv('CAPTURES_QUEUE_URL', 'https://queue.example/captures');
vi.stubEnv('SERVICES_TABLE', 'services');
vi.stubEnv('OWN_PREFIX', 'sluice');
vi.stubEnv('OWN_IDS', 'api123,eu-west-1_Pool');
vi.stubEnv('OWN_ROLES', 'Sluice-One,Sluice-Two');
const printed = vi.spyOn(console, 'log').mockImplementation(() => {});

const queue = mockClient(SQSClient);
const dynamo = mockClient(DynamoDBDocumentClient);

type Handler = typeof import('#capture/capture-aws.handler.ts')['handler'];
let handler: Handler;

beforeEach(async () => {
  queue.reset();
  dynamo.reset();
  printed.mockClear();
  queue.on(SendMessageCommand).resolves({});
  // Two pages.
  dynamo
    .on(ScanCommand)
    .callsFake(({ ExclusiveStartKey }) =>
      ExclusiveStartKey === undefined
        ? { Items: [aRegisteredService({ service: 'cart' })], LastEvaluatedKey: { service: 'cart' } }
        : { Items: [aRegisteredService()] },
    );
  vi.resetModules();
  ({ handler } = await import('#capture/capture-aws.handler.ts'));
});

const invoke = (event: unknown) => handler(event, { awsRequestId: 'r' } as Context);

const queued = () =>
  queue
    .commandCalls(SendMessageCommand)
    .map(({ args }) => appendBatchSchema.parse(JSON.parse(args[0].input.MessageBody ?? '')));

const onTarget = (by = session('deployer')) =>
  callEvent('lambda', 'UpdateAlias20150331', { functionName: 'checkout', name: 'live' }, { by });

describe('what AWS tells', () => {
  it('is queued under the id of its event', async () => {
    const event = pipelineEvent('SUCCEEDED');
    await invoke(event);
    expect(queued()).toMatchObject([
      { batchId: `aws/${event.id}`, records: [{ event: { type: 'pipeline.execution' } }] },
    ]);
  });

  it('is compared with all registered services, which are read once for many calls', async () => {
    await invoke(onTarget());
    await invoke(onTarget());
    expect(queued().map(({ records }) => records.map(({ change }) => change.service))).toEqual([
      ['cart', 'checkout'],
      ['cart', 'checkout'],
    ]);
    expect(dynamo.commandCalls(ScanCommand)).toHaveLength(2);
  });

  it('of a call on more targets than a batch takes is queued in several, and in the same ones again', async () => {
    dynamo.on(ScanCommand).resolves({
      Items: Array.from({ length: 200 }, (_, n) => aRegisteredService({ service: `checkout-${n}` })),
    });
    const event = onTarget();
    await invoke(event);
    const id = `aws/${(event.detail as { eventID: string }).eventID}`;
    const first = queued();
    expect(first.map(({ batchId, records }) => [batchId, records.length])).toEqual([
      [id, PEOPLES_RECORDS_MAX],
      ...[1, 2, 3].map((more) => [`${id}/${more}`, PEOPLES_RECORDS_MAX]),
      [`${id}/4`, 200 - 4 * PEOPLES_RECORDS_MAX],
    ]);
    const told = first.flatMap(({ records }) => records.map(({ change }) => change.service));
    expect(new Set(told).size).toBe(200);
    await invoke(event);
    expect(queued().slice(first.length)).toEqual(first);
  });

  it('of our own calls, and of what is nothing to record, is counted and not stored', async () => {
    await invoke(onTarget(session('Sluice-Two')));
    await invoke(callEvent('lambda', 'UpdateAlias20150331', { functionName: 'other', name: 'live' }));
    expect(queued()).toEqual([]);
    const counted = printed.mock.calls.flatMap(([line]) => JSON.parse(String(line)).CaptureIgnored ?? []);
    expect(counted).toEqual([1, 1]);
  });

  it('is thrown back, to be tried again, while the registry or the queue does not answer', async () => {
    const slow = Object.assign(new Error('slow'), { name: 'TimeoutError' });
    dynamo.on(ScanCommand).rejects(slow);
    await expect(invoke(onTarget())).rejects.toMatchObject({ name: 'TransientError' });
    dynamo.on(ScanCommand).resolves({ Items: [aRegisteredService()] });
    queue.on(SendMessageCommand).rejects(slow);
    await expect(invoke(onTarget())).rejects.toMatchObject({ name: 'TransientError' });
    queue.on(SendMessageCommand).resolves({});
    await invoke(onTarget());
    expect(queued().at(-1)?.records).toHaveLength(1);
  });
});
