import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { TransientError } from '#platform/errors.ts';
import { defineRoutes } from '#platform/route.ts';

vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'a-slice');
const { serveRoutes } = await import('#platform/serve-routes.ts');
const { logger } = await import('#platform/telemetry.ts');
const logged = vi.spyOn(logger, 'error').mockImplementation(() => undefined);

const routes = defineRoutes({
  putThing: {
    method: 'PUT',
    path: '/v1/things',
    summary: 'a test',
    roles: ['operator'],
    idempotent: true,
    body: z.strictObject({
      name: z.string(),
      weight: z.number().optional(),
      parts: z.record(z.string(), z.number()).optional(),
    }),
    responses: { 200: z.strictObject({ name: z.string(), key: z.string().optional() }) },
  },
});
const { handler } = await (async () => {
  const put = vi.fn(async ({ body, idempotencyKey }) => {
    if (body.name === 'foreign') throw new Error('User: arn:aws:sts::1:assumed-role/secret may not');
    if (body.name === 'passing')
      throw new TransientError('try again', { cause: new Error('arn:aws:secret') });
    return { status: 200 as const, body: { name: body.name, key: idempotencyKey } };
  });
  return { handler: serveRoutes(routes)({ putThing: put }) };
})();

type Sent = Partial<Omit<APIGatewayProxyEventV2WithJWTAuthorizer, 'body'>> & {
  readonly body?: string | Buffer;
};

const send = async ({ body, ...event }: Sent) => {
  const {
    statusCode,
    headers,
    body: text,
  } = await handler(
    {
      routeKey: 'PUT /v1/things',
      ...(body !== undefined && {
        body: body.toString(typeof body === 'string' ? undefined : 'base64'),
        isBase64Encoded: typeof body !== 'string',
      }),
      requestContext: {
        requestId: 'r',
        authorizer: {
          jwt: { claims: { token_use: 'access', username: 'ann', 'cognito:groups': '[sluice:admin]' } },
        },
      },
      ...event,
    } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer,
    { awsRequestId: 'r' } as Context,
  );
  return {
    status: statusCode,
    type: headers?.['content-type'],
    challenge: headers?.['www-authenticate'],
    body: JSON.parse(text ?? ''),
  };
};

const refused = (detail: string, ...paths: readonly string[]) => ({
  status: 400,
  type: 'application/problem+json',
  body: {
    detail: expect.stringContaining(detail),
    ...(paths.length > 0 && { faults: paths.map((path) => ({ path, message: expect.any(String) })) }),
  },
});

describe('a body', () => {
  it('is read from text and from base64', async () => {
    const good = { status: 200, body: { name: 'bolt' } };
    expect(await send({ body: '{"name":"bolt"}' })).toMatchObject(good);
    expect(await send({ body: Buffer.from('{"name":"bolt"}') })).toMatchObject(good);
  });

  it.each([
    ['nothing', undefined, 'no body'],
    ['an empty one', '', 'no body'],
    ['cut JSON', '{"name":', 'not JSON'],
    ['JSON behind a byte order mark', '\ufeff{"name":"bolt"}', 'not JSON'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not UTF-8'],
    [
      'more bytes than characters allow',
      JSON.stringify({ name: 'é'.repeat(33_000) }),
      'larger than 65536 bytes',
    ],
  ])('is refused in words when it is %s', async (_, body, detail) => {
    expect(await send({ ...(body !== undefined && { body }) })).toMatchObject(refused(detail));
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
    'of type %s is not taken for JSON',
    async (type) => {
      const sent = { body: '{"name":"bolt"}', headers: { 'content-type': type } };
      expect(await send(sent)).toMatchObject(refused('not JSON', 'content-type'));
    },
  );

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/merge-patch+json',
  ])('of type %s is JSON', async (type) => {
    expect((await send({ body: '{"name":"bolt"}', headers: { 'content-type': type } })).status).toBe(200);
  });

  it.each([
    ['a key that copies of an object lose', '{"name":"x","parts":{"__proto__":1}}', 'parts.__proto__'],
    ['a number beyond a table', '{"name":"x","weight":1e300}', 'weight'],
    ['a number beyond exact integers', '{"name":"x","weight":-9007199254740993}', 'weight'],
    ['a number too small for a table', '{"name":"x","parts":{"a":0,"b":1e-200}}', 'parts.b'],
    ['half of a surrogate pair, which UTF-8 can not say', '{"name":"x\\ud800"}', 'name'],
    ['half of one in a key', '{"name":"x","parts":{"\\udc00":1}}', 'parts.\udc00'],
    ['a number that is infinite once read', '{"name":"x","weight":1e999}', 'weight'],
  ])('with %s is refused, naming it: what was sent is what is kept, or nothing', async (_, body, path) => {
    expect(await send({ body })).toMatchObject(refused('the body is not valid', path));
  });

  it('nested ever deeper is refused and breaks nothing', async () => {
    const depth = 10_000;
    const body = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect((await send({ body })).status).toBe(400);
  });

  it('with thousands of faults is told some of them', async () => {
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (__, n) => [`k${n}`, 1]));
    const { body } = await send({ body: JSON.stringify({ name: 'x', ...keys }) });
    expect(body.faults.length).toBeLessThan(60);
    expect(body.faults.at(-1)).toEqual({ path: '', message: expect.stringMatching(/^\d+ more/) });
  });
});

describe('an Idempotency-Key', () => {
  it('reaches the handler', async () => {
    const { body } = await send({ body: '{"name":"x"}', headers: { 'idempotency-key': 'k-1' } });
    expect(body.key).toBe('k-1');
  });

  it.each(['', 'two words', 'k'.repeat(129), 'ключ'])('is refused by its name when it is %j', async (key) => {
    const answer = await send({ body: '{"name":"x"}', headers: { 'idempotency-key': key } });
    expect(answer.status).toBe(400);
    expect(answer.body.faults[0].path).toBe('Idempotency-Key');
  });
});

describe('an error', () => {
  it('of identity says how to sign in (RFC 9110, 11.6.1)', async () => {
    const claims = { token_use: 'id', username: 'ann' };
    const requestContext = { requestId: 'r', authorizer: { jwt: { claims } } } as never;
    expect(await send({ body: '{}', requestContext })).toMatchObject({ status: 401, challenge: 'Bearer' });
  });

  it.each([
    ['foreign', 500],
    ['passing', 503],
  ])('(%s) tells the caller nothing of its cause, which is in the log', async (name, status) => {
    const answer = await send({ body: JSON.stringify({ name }) });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).not.toContain('arn:aws');
    expect(logged).toHaveBeenLastCalledWith(
      'request failed',
      expect.objectContaining({ error: expect.any(Error) }),
    );
  });
});
