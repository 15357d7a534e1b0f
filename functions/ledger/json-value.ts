import type { Fault } from '#platform/errors.ts';

interface Limits {
  /** Levels of objects and lists. */
  readonly depthMax: number;
  /** Whether integers beyond ±(2^53 − 1) are refused: other languages read them as different numbers. */
  readonly safeIntegers: boolean;
  /** Whether a key may be `__proto__`, which many JavaScript copies of an object drop without a word. */
  readonly protoKeys: boolean;
}

/** Whatever RFC 8785 can express. */
export const ANY_JSON: Limits = { depthMax: Number.POSITIVE_INFINITY, safeIntegers: false, protoKeys: true };

/** What a ledger record may hold: deeper nesting has no use in evidence and breaks other people's JSON readers. */
export const LEDGER_JSON: Limits = { depthMax: 32, safeIntegers: true, protoKeys: false };

const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
};

const scalarFault = (value: unknown, limits: Limits): string | undefined => {
  switch (typeof value) {
    case 'boolean':
      return undefined;
    case 'string':
      return value.isWellFormed() ? undefined : 'holds half of a surrogate pair, which no UTF-8 can express';
    case 'number':
      if (!Number.isFinite(value)) return `${value} is no JSON number`;
      return limits.safeIntegers && Number.isInteger(value) && !Number.isSafeInteger(value)
        ? 'integers beyond 2^53 − 1 must be strings'
        : undefined;
    default:
      return value === null ? undefined : `${typeof value} is no JSON value`;
  }
};

/**
 * The first thing in `value` that JSON, and so its canonical form, can't carry unchanged; `undefined` when there is
 * none. Iterative, because an attacker chooses the depth of what is verified.
 */
export const jsonFault = (value: unknown, limits: Limits): Fault | undefined => {
  const pending: { readonly value: unknown; readonly path: string; readonly depth: number }[] = [
    { value, path: '', depth: 1 },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: found, path, depth } = next;
    if (typeof found !== 'object' || found === null) {
      const message = scalarFault(found, limits);
      if (message !== undefined) return { path, message };
      continue;
    }
    if (!isPlain(found)) return { path, message: 'only plain objects and lists are JSON' };
    if (depth > limits.depthMax) return { path, message: `nested deeper than ${limits.depthMax} levels` };
    // Array.from fills the holes of a sparse list with undefined, which is then refused.
    const members = Array.isArray(found)
      ? Array.from(found as unknown[]).map((item, index) => [String(index), item] as const)
      : Object.entries(found);
    for (const [key, member] of members) {
      const at = path === '' ? key : `${path}.${key}`;
      if (!key.isWellFormed()) return { path, message: 'a key holds half of a surrogate pair' };
      if (key === '__proto__' && !limits.protoKeys) return { path: at, message: 'no key may be __proto__' };
      pending.push({ value: member, path: at, depth: depth + 1 });
    }
  }
  return undefined;
};
