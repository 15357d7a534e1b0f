import * as z from 'zod';
import { regionSchema } from '#policy/region-schema.ts';

/** A function's own name, exactly: it is called, so a pattern would let in functions that are no shifters. */
export const shifterFunctionSchema = z
  .string()
  .regex(/^[A-Za-z0-9-_]{1,64}$/, 'must be the name of a function, not an ARN or a pattern');

/** Anything whose traffic a Lambda function of the team's own can move (docs/targets.md says how it is asked). */
export const customTargetSchema = z.strictObject({
  kind: z.literal('custom'),
  functionName: shifterFunctionSchema,
  /** Called by alias, never the unpublished code: a shifter must not change while a release is at work. */
  alias: z
    .string()
    .regex(/^(?!\d+$)[A-Za-z0-9-_]{1,128}$/, 'must be an alias: letters, digits, - and _, not only digits'),
  /** Handed on with every request, so that one function can serve many targets. No secrets: the ledger keeps them. */
  parameters: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/), z.string().max(500))
    .refine((all) => Object.keys(all).length <= 20, { message: 'must be 20 at most' })
    .default({}),
  region: regionSchema.optional(),
});
export type CustomTarget = z.infer<typeof customTargetSchema>;
