import * as z from 'zod';
import { outboundUrlSchema } from '#policy/outbound-schema.ts';

/** A function by its exact name: what it answers lets a release go on. */
export const hookFunctionSchema = z
  .string()
  .regex(/^[A-Za-z0-9-_]{1,64}$/, 'must be the name of a function, not an ARN or a pattern');

/** The names as an environment variable carries them: a JSON list. */
export const hookFunctionsVariable = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(hookFunctionSchema));

/** Who is asked. Called by alias, never the unpublished code: a hook must not change while a release is at work. */
const hookCallSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('lambda'),
    functionName: hookFunctionSchema,
    alias: z.string().regex(/^(?!\d+$)[A-Za-z0-9-_]{1,128}$/, 'must be an alias'),
  }),
  z.strictObject({ kind: z.literal('http'), url: outboundUrlSchema }),
]);

/**
 * Something of the team's own that a release waits for: a migration, a warm-up, a smoke test, a drain. `stage` counts
 * from 1: asked at the looks of that stage, which passes only when it has.
 */
export const hookDefinitionSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a name such as smoke-test: a-z, 0-9 and -'),
  at: z.union([
    z.enum(['before-traffic', 'after-promotion']),
    z.strictObject({ stage: z.int().min(1).max(20) }),
  ]),
  call: hookCallSchema,
  /** From its first call to its last answer. */
  timeoutSeconds: z.int().min(1).max(3_600).default(60),
  /** `continue`: a failure is recorded and the release goes on. */
  onFailure: z.enum(['restore', 'continue']).default('restore'),
  /** Handed on with every call. No secrets: the ledger keeps them. */
  parameters: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/), z.string().max(500))
    .refine((all) => Object.keys(all).length <= 20, { message: 'must be 20 at most' })
    .default({}),
});
export type HookDefinition = z.infer<typeof hookDefinitionSchema>;

export const hooksSchema = z
  .array(hookDefinitionSchema)
  .max(10)
  .refine((hooks) => new Set(hooks.map(({ name }) => name)).size === hooks.length, {
    message: 'must name each hook once',
  });
