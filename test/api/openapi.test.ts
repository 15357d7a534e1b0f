import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '#api/openapi.ts';
import { ALL_ROUTES } from '#api/routes.ts';
import { signInSchemeSchema } from '#api/sign-in-schema.ts';
import { isOpen, routeKey } from '#platform/route.ts';

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
}

/** As it leaves the API: through JSON. */
const signIn = { url: 'https://people.example.com', clientId: 'client-1' };
const document = JSON.parse(JSON.stringify(openApiDocument(ALL_ROUTES, signIn)));
const rows = ALL_ROUTES.flatMap((table) =>
  Object.entries(table).map(([operationId, route]) => ({ operationId, route, key: routeKey(route) })),
);

const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    key: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);

const operationOf = (key: string): Operation =>
  operations.find((found) => found.key === key)?.operation ?? expect.fail(`no ${key}`);

describe('the OpenAPI document', () => {
  it('is valid by the schema of OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  it('would not pass with a mistake in it, so that passing says something', async () => {
    const broken = structuredClone(document);
    broken.paths['/v1/health'].get.responses['200'].content = 'text';
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  it('has exactly the routes of the tables', () => {
    expect(operations.map(({ key }) => key).toSorted()).toEqual(rows.map(({ key }) => key).toSorted());
  });

  it('names each operation once, as its row is named', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(rows.map(({ operationId }) => operationId).toSorted());
  });

  it('says where people sign in, as which client, and where that is undone', () => {
    expect(
      signInSchemeSchema.parse(document.components.securitySchemes.signIn).flows.authorizationCode,
    ).toEqual({
      authorizationUrl: 'https://people.example.com/oauth2/authorize',
      tokenUrl: 'https://people.example.com/oauth2/token',
      refreshUrl: 'https://people.example.com/oauth2/token',
      scopes: { 'sluice/api': expect.any(String) },
      'x-client-id': 'client-1',
      'x-revocation-url': 'https://people.example.com/oauth2/revoke',
    });
  });

  it('is valid too where the page has the host of the API', async () => {
    const local = openApiDocument(ALL_ROUTES, { ...signIn, url: '' });
    expect((await new Validator().validate(JSON.parse(JSON.stringify(local)))).errors ?? []).toEqual([]);
  });

  it('has every reference in it', () => {
    for (const [, pointer = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer.split('/').reduce((at, part) => at?.[part], document);
      expect(found, pointer).toBeDefined();
    }
  });
});

describe.each(rows)('$key', ({ key, route }) => {
  const operation = operationOf(key);

  it('needs a token unless it is public', () => {
    expect(operation.security).toEqual(isOpen(route) ? [] : undefined);
    expect(document.security).toEqual([{ accessToken: [] }, { signIn: ['sluice/api'] }]);
    expect(Object.keys(operation.responses).includes('401')).toBe(route.roles !== 'public');
  });

  it('tells its parameters: those of the path are the ones in the path', () => {
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const told = (place: string) => operation.parameters.filter((parameter) => parameter.in === place);
    expect(told('path').map(({ name }) => name)).toEqual(inPath);
    expect(told('path').every(({ required }) => required)).toBe(true);
    expect(told('query').map(({ name }) => name)).toEqual(Object.keys(route.query?.shape ?? {}));
    expect(told('header').map(({ name }) => name)).toEqual(route.idempotent ? ['Idempotency-Key'] : []);
  });

  it('tells its body, its answers, and that every error is a problem document', () => {
    expect(operation.requestBody === undefined).toBe(route.body === undefined && route.roles !== 'signed');
    const answers = Object.entries(operation.responses);
    const good = answers.filter(([status]) => Number(status) < 400);
    expect(good.map(([status]) => Number(status))).toEqual(Object.keys(route.responses).map(Number));
    for (const [status, { content }] of answers)
      expect(Object.keys(content), status).toEqual([
        Number(status) < 400 ? 'application/json' : 'application/problem+json',
      ]);
  });
});
