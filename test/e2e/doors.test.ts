import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { isOpen, ROLES, type Role, type Route } from '../../functions/platform/route.ts';
import { createPerson } from '../../local/people.ts';
import { faultPaths, type RawAnswer, type RawRequest, send } from './doors/raw-request.ts';
import { goodBody, paramsOf, pathOf, ROWS, type Row } from './doors/rows.ts';
import { everythingStored, ledgerSize, recordsFrom } from './doors/stored.ts';
import { refusedTokens } from './doors/tokens.ts';
import { HAS_SLASH, HOSTILE_PARTS, wrongBodies, wrongQueries } from './doors/wrong-values.ts';
import { PEOPLE } from './global-setup.ts';
import { tokenOf, world } from './harness.ts';

/** One more person for each role, so that no role hides behind another that the same person has. */
const nameOf = (role: Role): string => `${role}-${run}`;
const run = randomBytes(4).toString('hex');
const everyone: readonly (readonly [name: string, roles: readonly Role[]])[] = [
  ...Object.entries(PEOPLE),
  ...ROLES.map((role) => [nameOf(role), [role]] as const),
];

const isFor = (route: Route, roles: readonly Role[]): boolean =>
  isOpen(route) || roles.some((role) => role === 'admin' || [route.roles].flat().includes(role));

/** What somebody is answered who may: without its body, or with the id of nothing, a request has no effect. */
const harmlessStatus = (route: Route): number => {
  if (route.roles === 'public') return 200;
  // A token doesn't stand for a signature.
  if (route.roles === 'signed') return 401;
  if (route.body !== undefined) return 400;
  if (paramsOf(route).length > 0) return 404;
  if (route.method === 'GET') return 200;
  throw new Error('a route that changes something takes a body or names what it changes');
};

beforeAll(async () => {
  await Promise.all(ROLES.map((role) => createPerson(world.pool, nameOf(role), world.password, [role])));
});

describe('who may come in', () => {
  let strangers: Awaited<ReturnType<typeof refusedTokens>>;
  beforeAll(async () => {
    strangers = await refusedTokens();
  });

  it.each(ROWS)('$key: nobody without a token of ours, whatever else it is', async ({ key, route }) => {
    const path = pathOf(route);
    const asked = strangers.map(async (stranger) => {
      const { token } = stranger;
      return { ...stranger, answer: await send({ method: route.method, path, token }) };
    });
    for (const { kind, by, answer } of await Promise.all(asked)) {
      const what = `${key} with token: ${kind}`;
      if (route.roles === 'public') expect(answer.status, what).toBe(200);
      else if (by === 'ours' || route.roles === 'signed') expect(faultPaths(answer, 401), what).toEqual([]);
      // The gateway's own answer: no problem document, and not ours to change.
      else expect(answer, what).toMatchObject({ status: 401, json: { message: 'Unauthorized' } });
    }
  });

  it.each(ROWS)('$key: exactly those whose roles its row names', async ({ key, route }) => {
    const path = pathOf(route);
    const asked = everyone.map(async ([name, roles]) => {
      const token = await tokenOf(name);
      return { name, roles, answer: await send({ method: route.method, path, token }) };
    });
    for (const { name, roles, answer } of await Promise.all(asked)) {
      const expected = isFor(route, roles) ? harmlessStatus(route) : 403;
      expect(answer.status, `${key} by ${name} (${roles.join(', ') || 'no role'})`).toBe(expected);
      if (expected >= 400) expect(answer.type).toBe('application/problem+json');
      if (expected === 403)
        expect(answer.json).toMatchObject({
          type: 'urn:sluice:problem:policy-denied',
          faults: [{ message: expect.stringContaining(`needs one of: ${[...route.roles].join(', ')}`) }],
        });
    }
  });
});

describe('bad input', () => {
  let token: string;
  let before: { readonly stored: object; readonly size: number };
  beforeAll(async () => {
    token = await tokenOf(nameOf('admin'));
    before = { stored: await everythingStored(), size: await ledgerSize() };
  });

  /** Asks the row's route as somebody who may do everything, so that only what is sent can be wrong. */
  const ask = ({ route }: Row, sent: Partial<RawRequest>): Promise<RawAnswer> =>
    send({ method: route.method, path: pathOf(route), token, ...sent });

  const goodText = (row: Row): string | undefined =>
    row.route.body === undefined ? undefined : JSON.stringify(goodBody(row));

  /** Sends them all side by side, and lists those that were not refused by the name of what is wrong with them. */
  const notNamed = async (
    cases: readonly { readonly what: string; readonly path: string; ask(): Promise<RawAnswer> }[],
  ): Promise<readonly string[]> => {
    expect(cases.length).toBeGreaterThan(3);
    const found = cases.map(async ({ what, path, ask: send }) => {
      const named = faultPaths(await send());
      const isNamed = typeof named !== 'string' && named.some((at) => `${at}.`.startsWith(`${path}.`));
      return isNamed ? [] : [`${what} at ${path || 'the root'}: ${named}`];
    });
    return (await Promise.all(found)).flat();
  };

  describe.each(ROWS.filter(({ route }) => route.body !== undefined))('in the body of $key', (row) => {
    const { body: schema } = row.route;

    it('is refused by the name of the field, whatever is wrong with it', async () => {
      const good = goodBody(row);
      if (schema === undefined) return;
      expect(schema.safeParse(good).error).toBeUndefined();
      const cases = Array.from(wrongBodies(schema, good), ({ what, path, body }) => ({
        what,
        path,
        ask: () => ask(row, { body: JSON.stringify(body) }),
      }));
      expect(await notNamed(cases)).toEqual([]);
    });

    it('is refused in words when it is no JSON', async () => {
      const good = goodText(row) ?? '';
      const bodies: Record<string, string | Buffer | undefined> = {
        'no body': undefined,
        'an empty body': '',
        'half of it': good.slice(0, -1),
        'more behind it': `${good}]`,
        'a byte order mark': `\ufeff${good}`,
        'JavaScript, not JSON': good.replaceAll('"', "'"),
        'no number': '{"a":NaN}',
        'a deep hole': '['.repeat(60_000),
        'too many bytes': JSON.stringify({ ...goodBody(row), more: 'x'.repeat(65_536) }),
        'no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
        'another encoding': Buffer.from(good, 'utf16le'),
      };
      const answers = Object.entries(bodies).map(async ([what, body]) => {
        const answer = await ask(row, { body });
        expect(faultPaths(answer), what).toEqual([]);
        expect(answer.text, what).toMatch(/has no body|is not JSON|is not UTF-8|is larger than 65536 bytes/);
      });
      await Promise.all(answers);
    });

    it('is refused when it is JSON but no object', async () => {
      const deep = `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`;
      const answers = ['null', 'true', '7', '"text"', '[]', `[${goodText(row)}]`, deep].map(async (body) => {
        const named = faultPaths(await ask(row, { body }));
        expect(named, body.slice(0, 20)).toBeInstanceOf(Array);
        expect(named, body.slice(0, 20)).not.toHaveLength(0);
      });
      await Promise.all(answers);
    });

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/xml'])(
      'is not guessed at when it says to be %s',
      async (type) => {
        const answer = await ask(row, { headers: { 'content-type': type }, body: goodText(row) });
        expect(faultPaths(answer)).toEqual(['content-type']);
      },
    );
  });

  it.each(ROWS.filter(({ route }) => route.idempotent))(
    'in the Idempotency-Key of $key is refused by its name',
    async (row) => {
      const keys = ['', ' ', 'two words', 'k'.repeat(129), 'k\u00e9y', 'a\tb'];
      const cases = keys.map((key) => ({
        what: JSON.stringify(key),
        path: 'Idempotency-Key',
        ask: () => ask(row, { headers: { 'Idempotency-Key': key }, body: goodText(row) }),
      }));
      expect(await notNamed(cases)).toEqual([]);
    },
  );

  it.each(ROWS.filter(({ route }) => route.query !== undefined))(
    'in the query of $key is refused by the name of the parameter',
    async (row) => {
      const { route } = row;
      const cases = wrongQueries(route.query).map(([name, query]) => ({
        what: query.slice(0, 60),
        path: name,
        ask: () => ask(row, { path: `${pathOf(route)}?${query}` }),
      }));
      expect(await notNamed(cases)).toEqual([]);
    },
  );

  it.each(ROWS.filter(({ route }) => paramsOf(route).length > 0))(
    'in the path of $key is refused by the name of the part, or names nothing',
    async (row) => {
      const { route } = row;
      const parts = paramsOf(route).flatMap((name) => HOSTILE_PARTS.map((part) => ({ name, part })));
      const answers = parts.map(async ({ name, part }) => {
        const answer = await ask(row, { path: pathOf(route, { [name]: part }), body: goodText(row) });
        const what = `${name} = ${part.slice(0, 40)}`;
        // The gateway takes a slash, encoded or not, for the end of the part, and has no such route.
        if (HAS_SLASH.test(part)) expect(answer, what).toMatchObject({ status: 404 });
        else expect(faultPaths(answer), what).toEqual([name]);
      });
      await Promise.all(answers);
    },
  );

  it('of all these kinds left nothing behind: nothing stored, nothing recorded, nothing started', async () => {
    expect(await everythingStored()).toEqual(before.stored);
    const byUs = (await recordsFrom(before.size)).filter(({ actor }) => actor.login === nameOf('admin'));
    expect(byUs).toEqual([]);
  });
});
