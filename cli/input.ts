import { InvalidArgumentError } from 'commander';
import type * as z from 'zod';
import { Failure } from './failure.ts';

/** @throws Failure naming each field that is wrong. */
export const checked = <S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `\n  ${path.join('.') || what}: ${message}`);
  throw new Failure(2, `${what} is not valid:${faults.join('')}`);
};

export const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
};

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** `90s`, `10m`, `1h30m` → seconds. */
export const duration = (text: string): number => {
  const parts = [...text.matchAll(/(\d{1,6})([dhms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new InvalidArgumentError('It is a duration such as 90s, 10m or 1h30m.');
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0), 0);
};

/** `eu=7`, added to those before it. */
export const named = (
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined || Object.hasOwn(before, name))
    throw new InvalidArgumentError('It is NAME=VALUE, each name once.');
  return { ...before, [name]: value };
};

/** One more of an option that may be repeated. */
export const collected = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];

/** An instant as RFC 3339 says it, or how long from now. */
export const instant = (text: string, now: number = Date.now()): string => {
  if (/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  try {
    return new Date(now + duration(text) * 1_000).toISOString();
  } catch {
    throw new InvalidArgumentError(
      'It is an instant such as 2026-12-24T18:00:00+01:00, or how long from now: 2h.',
    );
  }
};
