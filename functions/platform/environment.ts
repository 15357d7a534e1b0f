import * as z from 'zod';

/**
 * Environment variables, parsed once when the function starts. There are no fallbacks: a missing or malformed one is
 * fatal, and the message names it.
 */
export const readEnvironment = <S extends z.ZodRawShape>(shape: S): z.output<z.ZodObject<S>> => {
  const parsed = z.object(shape).safeParse(process.env);
  if (!parsed.success) throw new Error(`environment: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
};
