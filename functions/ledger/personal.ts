import { hash } from 'node:crypto';
import * as z from 'zod';

/** 128 random bits in base64url: without it nobody can try out which value a digest is of. */
export const saltSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'must be 16 bytes in base64url');

/** By the JSON pointer (RFC 6901) of the value in its record. */
export type Salts = Readonly<Record<string, string>>;

export interface Disclosure {
  readonly salt: string;
  readonly value: string;
}

/** What stands beside a record and may be deleted: the values that the record itself has digests of, and their salts. */
export type Disclosures = Readonly<Record<string, Disclosure>>;

/** What a record holds in place of a personal value: SHA-256 over `["<salt>","<value>"]` as JCS has it. */
const digestOf = ({ salt, value }: Disclosure): string =>
  `salted:${hash('sha256', JSON.stringify([salt, value]), 'hex')}`;

const DIGEST = /^salted:[0-9a-f]{64}$/;

/** Whether this is a digest and not the value itself: of a redacted record there is nothing else to show. */
export const isDigest = (text: string): boolean => DIGEST.test(text);

/** Only here can a value be replaced by its digest: nobody makes another one disappear, or two of one. */
const PLACE = /^\/(?:data\/(?:reason|notes|filter\/actor)|(?:actor|data\/.+)\/login)$/;

export const saltsSchema = z.record(
  z.string().regex(PLACE, 'must be the place of a personal value'),
  saltSchema,
);

type Container = Record<string, unknown>;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const keysOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

const at = (root: unknown, pointer: string): unknown =>
  keysOf(pointer).reduce<unknown>(
    (found, key) => (isContainer(found) && Object.hasOwn(found, key) ? found[key] : undefined),
    root,
  );

/** A copy with another value at a place that there is. */
const replaced = (root: unknown, [key, ...rest]: readonly string[], value: string): unknown => {
  if (key === undefined) return value;
  if (!isContainer(root) || !Object.hasOwn(root, key)) throw new RangeError(`there is nothing at ${key}`);
  const inner = replaced(root[key], rest, value);
  return Array.isArray(root)
    ? root.map((item, index) => (String(index) === key ? inner : item))
    : { ...root, [key]: inner };
};

const put = <T>(root: T, pointer: string, value: string): T => replaced(root, keysOf(pointer), value) as T;

/** Where in a value there are people: actors of kind `user`, at any depth. */
function* loginsIn(value: unknown, pointer: string): Generator<string> {
  if (!isContainer(value)) return;
  if (value.kind === 'user' && typeof value.login === 'string') yield `${pointer}/login`;
  for (const [key, inner] of Object.entries(value)) yield* loginsIn(inner, `${pointer}/${escaped(key)}`);
}

interface Body {
  readonly actor: { readonly kind: string; readonly login: string };
  readonly data: Readonly<Record<string, unknown>>;
}

/** What people type, where the record is of what a person did. */
const TYPED = ['/data/reason', '/data/notes', '/data/filter/actor'];

const personalPlaces = (body: Body): readonly string[] => {
  const people = [...loginsIn(body.actor, '/actor'), ...loginsIn(body.data, '/data')];
  const typed = body.actor.kind === 'user' ? TYPED : [];
  return [...people, ...typed].filter(
    (pointer) => PLACE.test(pointer) && typeof at(body, pointer) === 'string',
  );
};

/** The personal values of what a record is made of, by their places. */
export const personalValues = (body: Body): Readonly<Record<string, string>> =>
  Object.fromEntries(personalPlaces(body).map((pointer) => [pointer, at(body, pointer) as string]));

/** What a record is made of with nothing in the place of each personal value. */
export const withoutPersonal = <B extends Body>(body: B): B =>
  personalPlaces(body).reduce((rest, pointer) => put(rest, pointer, ''), body);

/** A record's body with a digest in place of each personal value, and those values with their salts. */
export const withhold = <B extends Body>(
  body: B,
  newSalt: () => string,
): { readonly body: B; readonly disclosures: Disclosures } => {
  const disclosures: Record<string, Disclosure> = {};
  let sealed = body;
  for (const pointer of personalPlaces(body)) {
    const disclosure = { salt: newSalt(), value: at(body, pointer) as string };
    disclosures[pointer] = disclosure;
    sealed = put(sealed, pointer, digestOf(disclosure));
  }
  return { body: sealed, disclosures };
};

/**
 * The body that a disclosed record's hash covers: each value that it has a salt for is replaced by its digest.
 * @throws RangeError when a salt is for no personal value of this record.
 */
export const sealedBody = (body: object, salts: Salts): object => {
  let sealed = body;
  for (const [pointer, salt] of Object.entries(salts)) {
    const value = at(body, pointer);
    if (!PLACE.test(pointer) || typeof value !== 'string' || typeof salt !== 'string')
      throw new RangeError(`there is no personal value at ${pointer}`);
    sealed = put(sealed, pointer, digestOf({ salt, value }));
  }
  return sealed;
};

/** A record with the values that are known; one that does not have the record's digest is nobody's, and is not shown. */
export const disclose = <R extends object>(record: R, disclosures: Disclosures): R => {
  let shown = record;
  const salts: Record<string, string> = {};
  for (const [pointer, disclosure] of Object.entries(disclosures)) {
    if (at(record, pointer) !== digestOf(disclosure)) continue;
    shown = put(shown, pointer, disclosure.value);
    salts[pointer] = disclosure.salt;
  }
  return Object.keys(salts).length === 0 ? record : { ...shown, salts };
};

/** Whether a text may hold a digest in place of a value: what is quick to see before it is read. */
export const mayWithhold = (text: string | Buffer): boolean => text.includes('"salted:');

function* textsIn(value: unknown, pointer: string): Generator<[pointer: string, text: string]> {
  if (typeof value === 'string') yield [pointer, value];
  else if (isContainer(value))
    for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, `${pointer}/${escaped(key)}`);
}

/** The places of a record whose values are not shown: redacted, or kept back by whoever made the copy. */
export const withheldIn = (record: object): readonly string[] =>
  [...textsIn(record, '')]
    .filter(([pointer, text]) => PLACE.test(pointer) && isDigest(text))
    .map(([pointer]) => pointer);
