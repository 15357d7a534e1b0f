import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { KILL_SWITCHES } from '#policy/kill-switches.ts';
import { flagsControlPlane } from '../fakes/flags-control-plane.ts';

for (const [name, value] of Object.entries({
  AWS_REGION: 'eu-central-1',
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_SERVICE_NAME: 'serve-flags',
  POWERTOOLS_METRICS_DISABLED: 'false',
  FLAGS_APPLICATION: 'app',
  FLAGS_ENVIRONMENT: 'env',
  FLAGS_PROFILE: 'flags',
  FLAGS_KEPT_SECONDS: '20',
  FLAGS_STRATEGY: 'at-once',
  LEDGER_WRITER_ARN: 'arn:writer:1',
}))
  vi.stubEnv(name, value);
const { handler } = await import('#policy/serve-flags.handler.ts');

const ledger = mockClient(LambdaClient);
const receipts = JSON.stringify([{ seq: 0, id: '01JGXQ00000000000000000000', recordHash: 'a'.repeat(64) }]);
const output = vi.spyOn(console, 'log').mockImplementation(() => undefined);
let appConfig: ReturnType<typeof flagsControlPlane>;

beforeEach(() => {
  appConfig = flagsControlPlane();
  ledger.reset();
  const Payload = Object.assign(new Uint8Array(), { transformToString: () => receipts });
  ledger.on(InvokeCommand).resolves({ Payload });
  output.mockClear();
});

const call = async (routeKey: string, event: object = {}) => {
  const { statusCode, body } = await handler(
    {
      routeKey,
      requestContext: {
        requestId: 'r',
        authorizer: {
          jwt: { claims: { token_use: 'access', username: 'olive', 'cognito:groups': '[sluice:operator]' } },
        },
      },
      ...event,
    } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer,
    { awsRequestId: 'r' } as Context,
  );
  return { status: statusCode, body: JSON.parse(body ?? '') };
};

const put = (flag: string, body: object) =>
  call('PUT /v1/flags/{flag}', { pathParameters: { flag }, body: JSON.stringify(body) });

const counted = (): boolean => output.mock.calls.some(([line]) => String(line).includes('AutoRollbackOff'));

describe('GET /v1/flags', () => {
  it('shows every switch with what it means that it is off', async () => {
    const { status, body } = await call('GET /v1/flags');
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: 1, changedOutside: false });
    expect(body.flags.map(({ flag }: { flag: string }) => flag)).toEqual([...KILL_SWITCHES]);
    for (const { on, offIn, offMeans } of body.flags) {
      expect([on, offIn]).toEqual([true, []]);
      expect(offMeans).toMatch(/\w/);
    }
    expect(counted()).toBe(false);
  });
});

describe('PUT /v1/flags/{flag}', () => {
  it('switches it and says how soon that is in force, and by whom', async () => {
    const answer = await put('canaryMetrics', { on: true, offIn: ['staging'], reason: 'moved' });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        flag: 'canaryMetrics',
        on: true,
        offIn: ['staging'],
        changed: { by: 'olive', reason: 'moved' },
        version: 2,
        inForceWithinSeconds: 20,
      },
    });
    expect(counted()).toBe(false);
  });

  it('counts automatic rollback off in production, and so does whoever looks later', async () => {
    await put('autoRollback', { on: true, offIn: ['production'], reason: 'the judge errs' });
    expect(counted()).toBe(true);
    output.mockClear();
    await call('GET /v1/flags');
    expect(counted()).toBe(true);
  });

  it.each([
    ['a switch that there is none of', 'else', { on: false, reason: 'x' }],
    ['no reason', 'canaryMetrics', { on: false }],
    ['off, and off in some', 'canaryMetrics', { on: false, offIn: ['staging'], reason: 'x' }],
    ['another key', 'canaryMetrics', { on: false, enabled: true, reason: 'x' }],
    ['half of a surrogate pair', 'canaryMetrics', { on: false, reason: '\ud83d' }],
  ])('refuses %s, and makes nothing', async (_, flag, body) => {
    expect((await put(flag, body)).status).toBe(400);
    expect(appConfig.versions).toHaveLength(1);
  });

  it('answers 409 to whoever lost to another change', async () => {
    appConfig.meanwhile((what) => {
      if (what === 'create') appConfig.outside.make({}, 'theirs');
    });
    const { status, body } = await put('canaryMetrics', { on: false, reason: 'x' });
    expect([status, body.title]).toEqual([409, 'Not possible in the present state']);
  });
});
