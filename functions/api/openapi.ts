import * as z from 'zod';
import { SCOPE, type SignInScheme } from '#api/sign-in-schema.ts';
import { idempotencyKeySchema } from '#platform/ids.ts';
import { problemSchema } from '#platform/problem.ts';
import { isOpen, type Route, type RouteTable } from '#platform/route.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is; `$schema` belongs to whole documents only. */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

const PROBLEM_TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid; `faults` name the fields',
  401: 'No verified token',
  403: 'The roles of the token, or a rule, do not allow this',
  404: 'There is no such thing',
  409: 'Not possible in the present state; the detail says what holds it',
  429: 'Too many requests',
  500: 'Something went wrong in Sluice',
  503: 'Try again shortly',
};

const isSigned = ({ roles }: Route): boolean => roles === 'signed';

const accessOf = ({ roles }: Route): string => {
  if (roles === 'public') return 'Needs no token.';
  if (roles === 'signed') return 'Needs no token: the sender signs the body.';
  return `Roles: ${[...roles, 'admin'].join(', ')}.`;
};

const problemStatuses = (route: Route): readonly number[] => [
  ...new Set([
    ...(route.params || route.query || route.body || route.idempotent || isSigned(route) ? [400] : []),
    ...(route.roles === 'public' ? [] : [401]),
    ...(isOpen(route) ? [] : [403]),
    ...(route.problems ?? []),
    429,
    500,
    503,
  ]),
];

const responsesOf = (route: Route): Json => ({
  ...Object.fromEntries(
    Object.entries(route.responses).map(([status, schema]) => [
      status,
      {
        description: route.summary,
        content: { 'application/json': { schema: schemaOf(schema, 'output') } },
      },
    ]),
  ),
  ...Object.fromEntries(
    problemStatuses(route).map((status) => [
      status,
      {
        description: PROBLEM_TITLES[status],
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  ),
});

const parameters = (place: 'path' | 'query', shape: z.ZodObject | undefined): readonly Json[] =>
  Object.entries(shape?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || !(schema as z.ZodType).safeParse(undefined).success,
    schema: schemaOf(schema as z.ZodType, 'input'),
  }));

const IDEMPOTENCY_HEADER: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request has one effect.',
  schema: schemaOf(idempotencyKeySchema, 'input'),
};

const operationOf = (operationId: string, route: Route): Json => ({
  operationId,
  summary: route.summary,
  description: accessOf(route),
  ...(isOpen(route) && { security: [] }),
  parameters: [
    ...parameters('path', route.params),
    ...parameters('query', route.query),
    ...(route.idempotent ? [IDEMPOTENCY_HEADER] : []),
  ],
  ...(isSigned(route) && {
    requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
  }),
  ...(route.body && {
    requestBody: {
      required: true,
      content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
    },
  }),
  responses: responsesOf(route),
});

const DESCRIPTION = [
  'Deployment governance for AWS. Errors are RFC 9457 problem details.',
  'Only what the gateway refuses before it asks Sluice is not: no token or one that is not ours (401), too many requests',
  '(429), an unknown route (404), a function that does not answer (500, 503) come as `{ "message": … }`, application/json.',
].join(' ');

/** The hosted sign-in page of the API's people: where it is, empty for the API's own host, and the client it is for. */
export interface SignIn {
  readonly url: string;
  readonly clientId: string;
}

const signInScheme = ({ url, clientId }: SignIn): SignInScheme => ({
  type: 'oauth2',
  description: 'For people: the hosted sign-in page, by authorization code with PKCE (S256).',
  flows: {
    authorizationCode: {
      authorizationUrl: `${url}/oauth2/authorize`,
      tokenUrl: `${url}/oauth2/token`,
      refreshUrl: `${url}/oauth2/token`,
      scopes: { [SCOPE.id]: SCOPE.means },
      'x-client-id': clientId,
      'x-revocation-url': `${url}/oauth2/revoke`,
    },
  },
});

/** The OpenAPI 3.1 document of route tables: the same rows that make the gateway's routes and check each request. */
export const openApiDocument = (tables: readonly RouteTable[], signIn: SignIn): Json => {
  const paths: Record<string, Json> = {};
  for (const table of tables)
    for (const [operationId, route] of Object.entries(table)) {
      const methods = paths[route.path] ?? {};
      methods[route.method.toLowerCase()] = operationOf(operationId, route);
      paths[route.path] = methods;
    }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ accessToken: [] }, { signIn: [SCOPE.id] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: {
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        signIn: signInScheme(signIn),
      },
    },
  };
};
