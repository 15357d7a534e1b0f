import type * as z from 'zod';
import { Failure } from './failure.ts';

/** JSON that fits the schema, or wrong input by where it stands and why. */
export function parseJson<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure(2, `${where}: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Failure(2, `${where}: ${faultsOf(parsed.error)}`);
  return parsed.data;
}

export function faultsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
    .join('; ');
}
