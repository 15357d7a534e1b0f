import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ownership } from '#policy/target-ownership.ts';
import { aRegisteredService, definitionInput } from '../builders/service.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'serve-services');
vi.stubEnv('SERVICES_TABLE', 'services');
vi.stubEnv('LEDGER_WRITER_ARN', 'arn:writer:1');
vi.stubEnv('CHECK_OWNERSHIP_ARN', 'arn:check:1');
vi.stubEnv('METRIC_PERIOD_SECONDS_MIN', '60');
vi.stubEnv('PROBE_HOSTS', '["api.example.com"]');
vi.stubEnv('METRIC_HOSTS', '[]');
vi.stubEnv('METRIC_FUNCTIONS', '[]');
vi.stubEnv('HOOK_HOSTS', '[]');
vi.stubEnv('HOOK_FUNCTIONS', '[]');
vi.stubEnv('OUTBOUND_REACH', 'public');
vi.stubEnv('TARGET_REGIONS', '[]');
const { handler } = await import('#policy/serve-services.handler.ts');

const dynamo = mockClient(DynamoDBDocumentClient);
const ledger = mockClient(LambdaClient);
const receipts = JSON.stringify([{ seq: 0, id: '01JGXQ00000000000000000000', recordHash: 'a'.repeat(64) }]);

beforeEach(() => {
  dynamo.reset();
  ledger.reset();
  dynamo.on(GetCommand).resolves({}).on(PutCommand).resolves({});
  const answer = (text: string) => ({
    Payload: Object.assign(new Uint8Array(), { transformToString: () => text }),
  });
  ledger.on(InvokeCommand).resolves(answer(receipts));
  ledger.on(InvokeCommand, { FunctionName: 'arn:check:1' }).callsFake(async ({ Payload }) => {
    const { targets } = JSON.parse(Buffer.from(Payload).toString());
    const owners = targets.map(() => owner);
    return { ...answer(JSON.stringify({ owners })), ...checkFailure };
  });
  owner = { kind: 'unmanaged' };
  checkFailure = {};
});

let owner: Ownership;
let checkFailure: object;

const call = async (routeKey: string, event: object) => {
  const { statusCode, body } = await handler(
    {
      routeKey,
      requestContext: {
        requestId: 'r',
        authorizer: {
          jwt: { claims: { token_use: 'access', username: 'ann', 'cognito:groups': '[sluice:operator]' } },
        },
      },
      ...event,
    } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer,
    { awsRequestId: 'r' } as Context,
  );
  return { status: statusCode, body: JSON.parse(body ?? '') };
};

const put = (definition: object) =>
  call('PUT /v1/services/{service}', {
    pathParameters: { service: 'checkout' },
    body: JSON.stringify(definition),
  });

const list = (query: Record<string, string>) => call('GET /v1/services', { queryStringParameters: query });

const { environments } = definitionInput();
const production = environments.production ?? expect.fail('no production');

describe('PUT /v1/services/{service}', () => {
  it('stores a definition that this stage can measure', async () => {
    expect(await put(definitionInput())).toMatchObject({ status: 200, body: { revision: 1 } });
    expect(dynamo.commandCalls(PutCommand)).toHaveLength(1);
  });

  it('refuses metrics finer than the stage has, which would read as no data for ever', async () => {
    const fine = { ...production, metrics: { ...production.metrics, periodSeconds: 10 } };
    expect(await put({ environments: { ...environments, production: fine } })).toMatchObject({
      status: 400,
      body: {
        faults: [
          { path: 'environments.production.metrics.periodSeconds', message: expect.stringContaining('60') },
        ],
      },
    });
  });

  it('refuses probes of a host that whoever runs the stage has not named', async () => {
    const probing = (url: string) =>
      put({ environments: { ...environments, production: { ...production, probes: { url } } } });
    expect(await probing('https://api.example.com/up')).toMatchObject({ status: 200 });
    expect(await probing('https://169.254.169.254/latest/meta-data/')).toMatchObject({
      status: 400,
      body: {
        faults: [
          { path: 'environments.production.probes.url', message: expect.stringContaining('probeHosts') },
        ],
      },
    });
  });

  it('refuses a definition too long for a record of the ledger, in words about the definition', async () => {
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`stage-${n}`, production]));
    expect(await put({ environments: many })).toMatchObject({
      status: 400,
      body: { faults: [{ path: 'environments', message: expect.stringContaining('bytes') }] },
    });
  });

  it.each(['', 'metrics.example', 'https://', 'x\ud800'])('refuses %j for a URL, by name', async (url) => {
    const query = 'sum(increase(requests{version="$version"}[$range]))';
    const metrics = { source: 'prometheus', url, queries: { requests: query, errors: query } };
    const { status, body } = await put({ environments: { production: { ...production, metrics } } });
    expect(status).toBe(400);
    expect(body.faults[0].path).toBe('environments.production.metrics.url');
  });

  it('has told and stored nothing of what it refused', async () => {
    await put({ environments: { production: { ...production, metrics: { source: 'guess' } } } });
    await put({});
    expect(dynamo.commandCalls(PutCommand)).toEqual([]);
    expect(ledger.commandCalls(InvokeCommand)).toEqual([]);
  });
});

describe('a target that a CloudFormation stack has too', () => {
  it('is refused when deployments of the stack move it, and nothing is stored or told', async () => {
    owner = { kind: 'managed', stack: 'shop', logicalId: 'LiveAlias', attribute: 'FunctionVersion' };
    const { status, body } = await put(definitionInput());
    expect(status).toBe(403);
    expect(body.faults.map(({ path }: { path: string }) => path)).toContain('environments.production.target');
    expect(dynamo.commandCalls(PutCommand)).toEqual([]);
    expect(ledger.commandCalls(InvokeCommand, { FunctionName: 'arn:writer:1' })).toEqual([]);
  });

  it.each([
    ['fails', { FunctionError: 'Unhandled' }],
    ['says something else', { Payload: undefined }],
  ])('is taken with a warning when the check %s', async (_, failure) => {
    checkFailure = failure;
    const { status, body } = await put(definitionInput());
    expect(status).toBe(200);
    expect(body.warnings).toContainEqual(expect.stringContaining('environments.production.target'));
  });

  it('is told of with no word when there is nothing to tell', async () => {
    expect((await put(definitionInput())).body).not.toHaveProperty('warnings');
  });
});

describe('GET /v1/services', () => {
  it('goes on where the last page ended', async () => {
    const item = aRegisteredService();
    dynamo.on(ScanCommand).resolves({ Items: [item], LastEvaluatedKey: { service: 'checkout' } });
    const { body } = await list({ limit: '1' });
    expect(body.services).toEqual([item]);
    dynamo.on(ScanCommand).resolves({ Items: [] });
    expect(await list({ cursor: body.next })).toEqual({ status: 200, body: { services: [] } });
    const [, second] = dynamo.commandCalls(ScanCommand);
    expect(second?.args[0].input.ExclusiveStartKey).toEqual({ service: 'checkout' });
  });

  it.each(['', 'checkout', '\u0000', 'Q0hFQ0s', 'Y2hlY2tvdXQ='])(
    'refuses %j for a cursor, which no page gave',
    async (cursor) => {
      expect(await list({ cursor })).toMatchObject({ status: 400, body: { faults: [{ path: 'cursor' }] } });
      expect(dynamo.commandCalls(ScanCommand)).toEqual([]);
    },
  );
});
