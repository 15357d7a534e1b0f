import * as z from 'zod';

/** What of a JSON Schema is looked at here. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

type Path = readonly (string | number)[];

/** A field that a body may have, and what makes it one of the form it belongs to. */
interface Field {
  readonly path: Path;
  readonly schema: Schema;
  /** Fixed values beside it or above it, such as the `kind` of the form. */
  readonly along: readonly { readonly path: Path; readonly value: unknown }[];
}

export interface Wrong {
  readonly what: string;
  /** Dotted, as a fault names it. */
  readonly path: string;
  readonly body: unknown;
}

/** The fixed values of an object's form, which tell it from its other forms. */
const fixedOf = (form: Schema | undefined, path: Path): Field['along'] =>
  Object.entries(form?.properties ?? {}).flatMap(([name, { const: value }]) =>
    value === undefined ? [] : [{ path: [...path, name], value }],
  );

const formsOf = (schema: Schema): readonly Schema[] => schema.anyOf ?? schema.oneOf ?? [schema];

/** A map's entries are looked at under this name. */
const ENTRY = 'production';

function* fieldsOf(schema: Schema, path: Path = [], along: Field['along'] = []): Generator<Field> {
  yield { path, schema, along };
  for (const form of formsOf(schema)) {
    const inside = [...along, ...fixedOf(form, path)];
    for (const [name, member] of Object.entries(form.properties ?? {}))
      yield* fieldsOf(member, [...path, name], inside);
    if (typeof form.additionalProperties === 'object')
      yield* fieldsOf(form.additionalProperties, [...path, ENTRY], along);
    if (form.items !== undefined) yield* fieldsOf(form.items, [...path, 0], along);
  }
}

const OF_EACH_TYPE: Readonly<Record<string, unknown>> = {
  null: null,
  boolean: true,
  number: 7,
  string: 'text',
  array: [],
  object: {},
};

const TOO_LONG = 10_000;

/** Rules that no empty text keeps. */
const SHAPED = ['minLength', 'pattern', 'format', 'enum', 'const'];

const wrongStrings = (schema: Schema): Readonly<Record<string, unknown>> => ({
  ...(SHAPED.some((rule) => rule in schema) && { empty: '' }),
  'too long': 'x'.repeat((schema.maxLength ?? TOO_LONG) + 1),
  'half a character': `x\ud800`,
});

const wrongNumbers = ({ type, minimum, maximum }: Schema): Readonly<Record<string, unknown>> => ({
  'digits as text': '5',
  enormous: 1e300,
  'almost nothing': 1e-200,
  ...(type === 'integer' && { 'a fraction': 1.5 }),
  ...(minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER && { 'too little': minimum - 1 }),
  ...(maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && { 'too much': maximum + 1 }),
});

const wrongLists = ({ minItems = 0, maxItems }: Schema): Readonly<Record<string, unknown>> => ({
  ...(minItems > 0 && { 'too few': Array(minItems - 1).fill({}) }),
  ...(maxItems !== undefined && { 'too many': Array(maxItems + 1).fill({}) }),
});

/** Values that a field of this schema must not take, each with its name. */
const wrongValues = (schema: Schema): Readonly<Record<string, unknown>> => {
  const forms = formsOf(schema);
  const types = new Set(forms.map(({ type }) => (type === 'integer' ? 'number' : type)));
  const ofWrongType = Object.entries(OF_EACH_TYPE).filter(([type]) => !types.has(type));
  const only = forms.length === 1 ? forms[0] : undefined;
  return {
    ...Object.fromEntries(ofWrongType),
    ...(types.has('string') && wrongStrings(only ?? {})),
    ...(only !== undefined && types.has('number') && wrongNumbers(only)),
    ...(only !== undefined && types.has('array') && wrongLists(only)),
  };
};

const dotted = (path: Path): string => path.map(String).join('.');

/** A copy of `body` with `value` at `path`; whatever stands in the way becomes an object or a list. */
const withValue = (body: unknown, path: Path, value: unknown): unknown => {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (typeof head === 'number') return [withValue(Array.isArray(body) ? body[head] : undefined, rest, value)];
  const own = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
  const member: unknown = Object.entries(own).find(([name]) => name === head)?.[1];
  return { ...own, [head]: withValue(member, rest, value) };
};

/**
 * Bodies that are each wrong in one place: for every field that the schema has, values of every other type, too long,
 * too large, empty, broken, and for every object members that it doesn't have.
 */
export function* wrongBodies(type: z.ZodType, good: unknown): Generator<Wrong> {
  const schema = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Schema;
  for (const { path, schema: own, along } of fieldsOf(schema)) {
    const formed = along.reduce((body, fixed) => withValue(body, fixed.path, fixed.value), good);
    for (const [what, value] of Object.entries(wrongValues(own)))
      yield { what, path: dotted(path), body: withValue(formed, path, value) };
    const form = formsOf(own).find(({ type }) => type === 'object');
    if (form === undefined) continue;
    const object = fixedOf(form, path).reduce(
      (body, fixed) => withValue(body, fixed.path, fixed.value),
      formed,
    );
    for (const name of ['unknownKey', '__proto__']) {
      const unknown = [...path, name];
      yield { what: 'unknown key', path: dotted(unknown), body: withValue(object, unknown, 1) };
    }
  }
}

const INTEGERS = ['0', '-1', '1000000000', '1e9', '1.5', 'abc', '', 'NaN', '1,2', '%00', '%D9%A3'];
const STRINGS = ['', '%00', '%ff', 'NOT%20VALID', '../..', '__proto__', 'x'.repeat(5_000), '%F0%9F%98%80'];

/** For a parameter that takes any text that a person can read. */
const UNREADABLE = ['', '%00', '%ff', '%0a', 'x'.repeat(5_000)];
const FREE_TEXT: ReadonlySet<string> = new Set(['actor']);

const wrongTexts = (name: string): readonly string[] => (FREE_TEXT.has(name) ? UNREADABLE : STRINGS);

/** Query strings that are each wrong in one parameter, which they are listed with. */
export const wrongQueries = (
  type: z.ZodObject | undefined,
): readonly (readonly [name: string, query: string])[] => {
  if (type === undefined) return [];
  const { properties = {} } = z.toJSONSchema(type, { io: 'output' }) as Schema;
  return [
    ['unknown', 'unknown=1'],
    ['__proto__', '__proto__=1'],
    ...Object.entries(properties).flatMap(([name, { type: of }]) =>
      (of === 'integer' ? INTEGERS : wrongTexts(name)).map((value) => [name, `${name}=${value}`] as const),
    ),
  ];
};

/** Parts of a path, percent-encoded or not at all, that no id or name of ours is. */
export const HOSTILE_PARTS: readonly string[] = [
  ...'%2e%2e|.|..|%00|%C0%AF|%ZZ|%|%25%32%66|%0d%0aSet-Cookie:a=b|%F0%9F%98%80'.split('|'),
  ..."__proto__|a%23b|%7B%7D|*|$LATEST|A|-|;a=b|'%20or%201=1".split('|'),
  ...'a%2Fb|..%2F..%2Fhealth|%2Fetc%2Fpasswd|..;/'.split('|'),
  'x'.repeat(4_000),
];

/** Those that the gateway takes for more than one part. */
export const HAS_SLASH = /\/|%2F/;
