import type { Fault } from '#platform/errors.ts';

/** DynamoDB's numbers end at 1E-130 and 9.99E+125; other languages' exact integers end at 2^53 − 1 too. */
const SMALLEST = 1e-100;

const BROKEN_TEXT = 'must be well-formed Unicode';

const scalarFault = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : BROKEN_TEXT;
  if (typeof value !== 'number' || value === 0) return undefined;
  const size = Math.abs(value);
  if (size > Number.MAX_SAFE_INTEGER) return 'is larger than a number here can be (2^53 − 1)';
  return size < SMALLEST ? 'is closer to zero than a number here can be' : undefined;
};

/**
 * The first thing in a parsed JSON value that would not be kept as it was sent, whatever its schema says: numbers that a
 * table can't hold, halves of surrogate pairs, which UTF-8 and so the ledger can't, and members named `__proto__`, which
 * copies of an object drop without a word. Iterative, because the sender chooses the depth.
 */
export const jsonFault = (value: unknown): Fault | undefined => {
  const pending: { readonly value: unknown; readonly path: string }[] = [{ value, path: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: found, path } = next;
    const message = scalarFault(found);
    if (message !== undefined) return { path, message };
    if (typeof found !== 'object' || found === null) continue;
    for (const [key, member] of Object.entries(found)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (!key.isWellFormed()) return { path: at, message: BROKEN_TEXT };
      if (key === '__proto__') return { path: at, message: 'no key may be __proto__' };
      pending.push({ value: member, path: at });
    }
  }
  return undefined;
};
