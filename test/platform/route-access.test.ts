import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ConflictError } from '#platform/errors.ts';
import { defineRoutes } from '#platform/route.ts';

vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'a-slice');
const { serveRoutes } = await import('#platform/serve-routes.ts');
const { logger } = await import('#platform/telemetry.ts');
const logged = vi.spyOn(logger, 'error').mockImplementation(() => undefined);

const answer = z.strictObject({ who: z.string() });
const routes = defineRoutes({
  stopThing: {
    method: 'POST',
    path: '/v1/things/{thing}',
    summary: 'a test',
    roles: ['operator'],
    params: z.strictObject({ thing: z.string().min(3) }),
    query: z.strictObject({ limit: z.coerce.number().int().default(20) }),
    responses: { 202: answer },
  },
  health: {
    method: 'GET',
    path: '/v1/health',
    summary: 'a test',
    roles: 'public',
    responses: { 200: answer },
  },
});

type Handlers = Parameters<ReturnType<typeof serveRoutes<typeof routes>>>[0];
const stop = vi.fn<Handlers['stopThing']>();
const handler = serveRoutes(routes)({
  stopThing: stop,
  health: async ({ caller }) => ({ status: 200, body: { who: String(caller) } }),
});

const access = { token_use: 'access', username: 'ann', 'cognito:groups': '[sluice:operator]' };

const send = async (claims: object | undefined, overrides: object = {}) => {
  const event = {
    routeKey: 'POST /v1/things/{thing}',
    pathParameters: { thing: 'bolt' },
    requestContext: { requestId: 'r-1', ...(claims && { authorizer: { jwt: { claims } } }) },
    ...overrides,
  } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer;
  const { statusCode, headers, body } = await handler(event, { awsRequestId: 'r-1' } as Context);
  return { status: statusCode, headers, body: JSON.parse(body ?? '') };
};

beforeEach(() => {
  logged.mockClear();
  stop.mockReset();
  stop.mockImplementation(async ({ caller }) => ({ status: 202, body: { who: caller.actor.login } }));
});

describe('a route', () => {
  it('answers a caller who has its role, with everything checked, and is not kept by anyone', async () => {
    const { status, headers, body } = await send(access);
    expect({ status, body }).toEqual({ status: 202, body: { who: 'ann' } });
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(stop.mock.calls[0]?.[0]).toMatchObject({
      params: { thing: 'bolt' },
      query: { limit: 20 },
      requestId: 'r-1',
      caller: { roles: ['operator'] },
    });
  });

  it('lets an administrator do everything', async () => {
    expect((await send({ ...access, 'cognito:groups': '[sluice:admin]' })).status).toBe(202);
  });

  it.each<[string, object | undefined, number]>([
    ['no token', undefined, 401],
    ['an id token', { ...access, token_use: 'id' }, 401],
    ['a token that names nobody', { token_use: 'access', 'cognito:groups': '[sluice:admin]' }, 401],
    ['another role', { ...access, 'cognito:groups': '[sluice:viewer sluice:approver]' }, 403],
    ['no role', { token_use: 'access', username: 'ann' }, 403],
    ["a group that isn't ours", { ...access, 'cognito:groups': '[operator admin]' }, 403],
  ])('does nothing for %s', async (_what, claims, status) => {
    const answered = await send(claims);
    expect(answered.status).toBe(status);
    expect(answered.headers).toMatchObject({ 'content-type': 'application/problem+json' });
    expect(stop).not.toHaveBeenCalled();
  });

  it('tells which roles would do, and which the caller has', async () => {
    const { body } = await send({ ...access, 'cognito:groups': '[sluice:viewer]' });
    expect(body.faults).toEqual([{ path: '', message: 'needs one of: operator, admin; you have: viewer' }]);
  });

  it('checks who is asking before what is asked: a stranger learns nothing of the form', async () => {
    expect((await send(undefined, { pathParameters: { thing: 'x' } })).status).toBe(401);
    expect((await send(access, { pathParameters: { thing: 'x' } })).status).toBe(400);
    expect((await send(access, { queryStringParameters: { limit: 'many' } })).body.faults).toMatchObject([
      { path: 'limit' },
    ]);
    expect((await send(access, { queryStringParameters: { sort: 'up' } })).body.faults).toEqual([
      { path: 'sort', message: 'unknown key' },
    ]);
  });

  it('that is public needs no token', async () => {
    expect(await send(undefined, { routeKey: 'GET /v1/health' })).toMatchObject({
      status: 200,
      body: { who: 'undefined' },
    });
  });

  it('that does not exist is not found', async () => {
    for (const routeKey of ['$default', 'DELETE /v1/things/{thing}', 'POST /v1/things'])
      expect((await send(access, { routeKey })).status).toBe(404);
  });
});

describe('a handler that fails', () => {
  it('with an error of ours is told as that, and is no news for the log', async () => {
    stop.mockRejectedValue(new ConflictError('has ended'));
    expect(await send(access)).toMatchObject({ status: 409, body: { detail: 'has ended' } });
    expect(logged).not.toHaveBeenCalled();
  });

  it('with any other is told as internal, by the number it has in the log', async () => {
    const error = new Error('arn:aws:iam::1:role/secret');
    stop.mockRejectedValue(error);
    const { status, body } = await send(access);
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(body.instance).toBe('urn:sluice:request:r-1');
    expect(logged).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(logged.mock.calls[0])).toContain('POST /v1/things/{thing}');
  });

  it.each([
    ['a status that its row does not have', { status: 200, body: { who: 'ann' } }],
    ['more than its row promises', { status: 202, body: { who: 'ann', password: 'secret' } }],
    ['less than its row promises', { status: 202, body: {} }],
  ])('by answering %s is told as internal, and nothing of the answer gets out', async (_what, wrong) => {
    stop.mockResolvedValue(wrong as never);
    const { status, body } = await send(access);
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(logged).toHaveBeenCalledTimes(1);
  });
});
