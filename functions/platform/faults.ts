import type * as z from 'zod';
import { type Fault, InvalidRequestError } from '#platform/errors.ts';

const pathText = (path: readonly PropertyKey[]): string => path.map(String).join('.');

/** Each of zod's issues as a field and a sentence; an unknown key is named as the field, not its parent. */
export const faultsOf = (error: z.ZodError): readonly Fault[] =>
  error.issues.flatMap((issue): readonly Fault[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: pathText([...issue.path, key]), message: 'unknown key' }))
      : [{ path: pathText(issue.path), message: issue.message }],
  );

/**
 * `value` as the schema's output.
 * @throws InvalidRequestError naming every wrong field.
 */
export const parseOrRefuse = <S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(`${what} is not valid`, { faults: faultsOf(parsed.error) });
};
