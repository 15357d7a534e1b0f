import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type {
  APIGatewayProxyEventV2WithJWTAuthorizer,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import * as z from 'zod';
import type { Caller } from '#platform/actor.ts';
import { callerOf } from '#platform/claims.ts';
import { InvalidRequestError, NotFoundError, PolicyDeniedError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { idempotencyKeySchema } from '#platform/ids.ts';
import { jsonFault } from '#platform/json-faults.ts';
import { problemOf, ROLES_FORBID } from '#platform/problem.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { type Route, type RouteTable, routeKey } from '#platform/route.ts';
import { logger } from '#platform/telemetry.ts';

type Parsed<S, Otherwise> = S extends z.ZodType ? z.output<S> : Otherwise;

/** What came in on a signed route, as it came: the signature is of these bytes and of no others. */
export interface SignedRequest {
  readonly bytes: Buffer;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What a route's handler gets: everything checked, nothing raw but on signed routes. `caller` is absent on open ones. */
export interface RouteRequest<R extends Route> {
  readonly params: Parsed<R['params'], undefined>;
  readonly query: Parsed<R['query'], undefined>;
  readonly body: Parsed<R['body'], undefined>;
  readonly idempotencyKey: string | undefined;
  readonly caller: R['roles'] extends 'public' | 'signed' ? undefined : Caller;
  readonly signed: R['roles'] extends 'signed' ? SignedRequest : undefined;
  readonly requestId: string;
}

/** One of the row's declared responses. */
export type RouteResponse<R extends Route> = {
  [S in keyof R['responses']]: R['responses'][S] extends z.ZodType
    ? { readonly status: S; readonly body: z.input<R['responses'][S]> }
    : never;
}[keyof R['responses']];

export type RouteHandlers<T extends RouteTable> = {
  readonly [K in keyof T]: (request: RouteRequest<T[K]>) => Promise<RouteResponse<T[K]>>;
};

type HttpEvent = APIGatewayProxyEventV2WithJWTAuthorizer;

/** Bodies above this are refused unread; no request of ours comes near it. */
const BODY_BYTES_MAX = 65_536;

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i;

/** A body of no declared type is taken for JSON; one of another type was meant for something else. */
const requireJsonType = (type: string | undefined): void => {
  if (type === undefined || JSON_TYPE.test(type)) return;
  throw new InvalidRequestError('the body is not JSON, by its content-type', {
    faults: [{ path: 'content-type', message: 'must be application/json' }],
  });
};

const bytesOf = (event: HttpEvent): Buffer =>
  Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');

const textOf = (event: HttpEvent): string => {
  const bytes = bytesOf(event);
  if (bytes.length === 0) throw new InvalidRequestError('the request has no body');
  if (bytes.length > BODY_BYTES_MAX)
    throw new InvalidRequestError(`the body is larger than ${BODY_BYTES_MAX} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidRequestError('the body is not UTF-8', { cause });
  }
};

const bodyOf = (event: HttpEvent): unknown => {
  requireJsonType(event.headers?.['content-type']);
  const text = textOf(event);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRequestError('the body is not JSON', { cause });
  }
  const fault = jsonFault(body);
  if (fault !== undefined) throw new InvalidRequestError('the body is not valid', { faults: [fault] });
  return body;
};

const IDEMPOTENCY_KEY = 'Idempotency-Key';
const idempotencyHeaderSchema = z.object({ [IDEMPOTENCY_KEY]: idempotencyKeySchema.optional() });

/** The gateway hands over header names in lower case. */
const idempotencyKeyOf = (route: Route, event: HttpEvent): string | undefined => {
  if (route.idempotent !== true) return undefined;
  const header = { [IDEMPOTENCY_KEY]: event.headers?.['idempotency-key'] };
  return parseOrRefuse(idempotencyHeaderSchema, header, 'the header')[IDEMPOTENCY_KEY];
};

const callerFor = (route: Route, event: HttpEvent): Caller | undefined => {
  if (route.roles === 'public' || route.roles === 'signed') return undefined;
  const caller = callerOf(event.requestContext.authorizer?.jwt?.claims);
  const allowed = new Set<string>([...route.roles, 'admin']);
  if (caller.roles.some((role) => allowed.has(role))) return caller;
  throw new PolicyDeniedError(ROLES_FORBID, {
    faults: [
      {
        path: '',
        message: `needs one of: ${[...allowed].join(', ')}; you have: ${caller.roles.join(', ') || 'none'}`,
      },
    ],
  });
};

const signedOf = (route: Route, event: HttpEvent): SignedRequest | undefined =>
  route.roles === 'signed' ? { bytes: bytesOf(event), headers: event.headers ?? {} } : undefined;

const requestOf = (route: Route, event: HttpEvent): RouteRequest<Route> => ({
  caller: callerFor(route, event) as Caller,
  signed: signedOf(route, event) as undefined,
  requestId: event.requestContext.requestId,
  idempotencyKey: idempotencyKeyOf(route, event),
  params: route.params && parseOrRefuse(route.params, event.pathParameters ?? {}, 'the path'),
  query: route.query && parseOrRefuse(route.query, event.queryStringParameters ?? {}, 'the query'),
  body: route.body && parseOrRefuse(route.body, bodyOf(event), 'the body'),
});

const respond = (status: number, body: unknown, type: string): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: {
    'content-type': type,
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  },
  body: JSON.stringify(body),
});

/**
 * The Lambda entry of a slice's routes: finds the row by the gateway's route key, checks role and input against it,
 * runs the handler, and checks the answer too, so that what the OpenAPI document promises is what is sent. Every
 * error becomes a problem document; an unexpected one is logged with the request id and told as internal.
 */
export const serveRoutes =
  <const T extends RouteTable>(table: T) =>
  (handlers: RouteHandlers<T>) => {
    const rows = new Map(Object.entries(table).map(([id, route]) => [routeKey(route), { id, route }]));
    const answer = async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
      const row = rows.get(event.routeKey);
      if (row === undefined) throw new NotFoundError('there is no such route');
      const handler = handlers[row.id] as (
        request: RouteRequest<Route>,
      ) => Promise<{ status: number; body: unknown }>;
      const { status, body } = await handler(requestOf(row.route, event));
      const schema = row.route.responses[status];
      if (schema === undefined) throw new Error(`${row.id} answered with undeclared status ${status}`);
      return respond(status, schema.parse(body), 'application/json');
    };
    return middy<HttpEvent, APIGatewayProxyStructuredResultV2, Error, Context>()
      .use(injectLambdaContext(logger))
      .use(publishMetrics())
      .handler(async (event) => {
        try {
          return await answer(event);
        } catch (error) {
          const problem = problemOf(error, event.requestContext.requestId);
          if (problem.status >= 500) logger.error('request failed', { route: event.routeKey, error });
          return respond(problem.status, problem, 'application/problem+json');
        }
      });
  };
