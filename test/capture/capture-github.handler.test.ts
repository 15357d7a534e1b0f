import { createHmac, randomUUID } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { pushPayload } from '../builders/github.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'capture-github');
vi.stubEnv('CAPTURES_QUEUE_URL', 'https://queue.example/captures');
vi.stubEnv('WEBHOOK_PARAMETERS', '["/one","/two"]');
vi.stubEnv('INFRASTRUCTURE_PATHS', '["infra/"]');
vi.stubEnv('SECURITY_PATHS', '["iam/"]');
const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
for (const level of ['error', 'warn', 'info'] as const) vi.spyOn(console, level).mockImplementation(() => {});

const SECRET = 'the secret of the webhook';
const parameters = mockClient(SSMClient);
const queue = mockClient(SQSClient);

type Handler = typeof import('#capture/capture-github.handler.ts')['handler'];
let handler: Handler;

const holds = (values: Readonly<Record<string, string>>) =>
  parameters.on(GetParameterCommand).callsFake(({ Name }: { Name: string }) => {
    const Value = values[Name];
    if (Value === undefined) throw Object.assign(new Error('absent'), { name: 'ParameterNotFound' });
    return { Parameter: { Value } };
  });

beforeEach(async () => {
  parameters.reset();
  queue.reset();
  printed.mockClear();
  queue.on(SendMessageCommand).resolves({});
  holds({ '/one': SECRET });
  vi.resetModules();
  ({ handler } = await import('#capture/capture-github.handler.ts'));
});

const bytesOf = (payload: unknown) => Buffer.from(JSON.stringify(payload));

const deliver = async (
  bytes: Buffer,
  {
    secret = SECRET,
    base64 = false,
    headers = {},
  }: { secret?: string; base64?: boolean; headers?: Record<string, string> } = {},
) => {
  const event = {
    routeKey: 'POST /v1/integrations/github',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`,
      ...headers,
    },
    body: bytes.toString(base64 ? 'base64' : 'utf8'),
    isBase64Encoded: base64,
    requestContext: { requestId: 'r' },
  } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer;
  const { statusCode, body } = await handler(event, { awsRequestId: 'r' } as Context);
  return { status: statusCode, body: JSON.parse(body ?? '') };
};

const queued = () =>
  queue.commandCalls(SendMessageCommand).map(({ args }) => {
    expect(args[0].input.QueueUrl).toBe('https://queue.example/captures');
    return appendBatchSchema.parse(JSON.parse(args[0].input.MessageBody ?? ''));
  });

const counted = (name: string): number =>
  printed.mock.calls
    .map(([line]) => JSON.parse(String(line)))
    .flatMap((line) => line[name] ?? [])
    .reduce((sum: number, value: number) => sum + value, 0);

describe("GitHub's door", () => {
  it.each([false, true])('queues the record of a delivery, under its id, base64: %s', async (base64) => {
    const id = randomUUID();
    const payload = pushPayload(['infra/gr\u00fcn.tf']);
    const answer = await deliver(bytesOf(payload), {
      base64,
      headers: { 'x-github-delivery': id.toUpperCase() },
    });
    expect(answer).toEqual({ status: 202, body: { delivery: id, captured: true } });
    expect(queued()).toMatchObject([
      { batchId: `github/${id}`, records: [{ event: { type: 'change.infrastructure' } }] },
    ]);
    expect(counted('DeliveryRefused')).toBe(0);
  });

  it('refuses what another secret signed before it reads any of it, and counts that', async () => {
    const answer = await deliver(Buffer.from('{ no JSON'), { secret: 'the secret of somebody else' });
    expect(answer.status).toBe(401);
    expect(queued()).toEqual([]);
    expect(counted('DeliveryRefused')).toBe(1);
  });

  it('does not count what does not even say to be of GitHub', async () => {
    const answer = await deliver(Buffer.from(''), {
      secret: 'x',
      headers: { 'x-github-delivery': undefined as never },
    });
    expect(answer.status).toBe(401);
    expect(counted('DeliveryRefused')).toBe(0);
  });

  it.each<[string, Record<string, string>, string]>([
    ['are not there', {}, SECRET],
    ['are empty', { '/one': '', '/two': ' ' }, ''],
    ['are left as they were made', { '/one': 'changeme' }, 'changeme'],
  ])('refuses everything while the secrets %s', async (_, values, secret) => {
    holds(values);
    expect((await deliver(bytesOf(pushPayload()), { secret })).status).toBe(401);
    expect(queued()).toEqual([]);
  });

  it('takes one of two secrets, though the other is not there', async () => {
    holds({ '/two': SECRET });
    expect((await deliver(bytesOf(pushPayload()))).status).toBe(202);
  });

  describe.each(['TimeoutError', 'AccessDeniedException'])('while Parameter Store answers %s', (name) => {
    const failing = () => Object.assign(new Error('no answer'), { name });

    it('says that a delivery may be sent again, and takes it as soon as the secrets can be read', async () => {
      parameters.on(GetParameterCommand).rejects(failing());
      expect((await deliver(bytesOf(pushPayload()))).status).toBe(503);
      expect(queued()).toEqual([]);
      expect(counted('DeliveryRefused')).toBe(1);
      holds({ '/one': SECRET });
      expect((await deliver(bytesOf(pushPayload()))).status).toBe(202);
    });

    it('takes what the secret that could be read has signed, and says of nothing else that it was forged', async () => {
      parameters.on(GetParameterCommand, { Name: '/two' }).rejects(failing());
      expect((await deliver(bytesOf(pushPayload()))).status).toBe(202);
      const other = await deliver(bytesOf(pushPayload()), { secret: 'the secret in the other parameter' });
      expect(other.status).toBe(503);
    });
  });

  it('asks for the secrets once for many deliveries', async () => {
    for (let n = 0; n < 3; n += 1) await deliver(bytesOf(pushPayload()));
    expect(parameters.commandCalls(GetParameterCommand)).toHaveLength(2);
    expect(parameters.commandCalls(GetParameterCommand)[0]?.args[0].input.WithDecryption).toBe(true);
  });

  it('counts what it does not capture, and says so', async () => {
    const answer = await deliver(bytesOf({ zen: 'x' }), { headers: { 'x-github-event': 'ping' } });
    expect(answer).toMatchObject({ status: 202, body: { captured: false } });
    expect(queued()).toEqual([]);
    expect(counted('CaptureIgnored')).toBe(1);
  });

  it.each<[string, Buffer, Record<string, string>]>([
    ['is no JSON', Buffer.from('{'), {}],
    ['is not as documented', bytesOf({ ref: 7 }), {}],
    ['is a form', bytesOf(pushPayload()), { 'content-type': 'application/x-www-form-urlencoded' }],
    ['has no id', bytesOf(pushPayload()), { 'x-github-delivery': 'x' }],
    ['has no kind', bytesOf(pushPayload()), { 'x-github-event': '../push' }],
  ])('says what is wrong with a delivery that %s, and counts it', async (_, bytes, headers) => {
    expect((await deliver(bytes, { headers })).status).toBe(400);
    expect(queued()).toEqual([]);
    expect(counted('DeliveryRefused')).toBe(1);
  });

  it('says that it may be sent again when the queue does not answer', async () => {
    queue.on(SendMessageCommand).rejects(Object.assign(new Error('slow'), { name: 'TimeoutError' }));
    expect((await deliver(bytesOf(pushPayload()))).status).toBe(503);
    expect(counted('DeliveryRefused')).toBe(1);
  });

  it('queues characters that SQS does not take, escaped', async () => {
    await deliver(bytesOf(pushPayload(['infra/\uffff\ufffe.tf'])));
    expect(queue.commandCalls(SendMessageCommand)[0]?.args[0].input.MessageBody).not.toMatch(
      /[\uffff\ufffe]/,
    );
    expect(queued()[0]?.records[0]?.change.files).toEqual(['infra/\uffff\ufffe.tf']);
  });
});
