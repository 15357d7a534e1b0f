import * as z from 'zod';
import { albTargetSchema } from '#policy/alb-target-schema.ts';
import { customTargetSchema } from '#policy/custom-target-schema.ts';

/** A Lambda alias whose weighted routing Sluice moves; one variant of `target`, one shifter. */
export const lambdaAliasTargetSchema = z.strictObject({
  kind: z.literal('lambda-alias'),
  functionName: z.string().regex(/^[A-Za-z0-9-_]{1,64}$/, 'must be a function name, not an ARN'),
  alias: z
    .string()
    .regex(/^(?!\d+$)[A-Za-z0-9-_]{1,128}$/, 'must be an alias: letters, digits, - and _, not only digits'),
});
export type LambdaAliasTarget = z.infer<typeof lambdaAliasTargetSchema>;

/** What a release moves traffic on. */
export const targetSchema = z.discriminatedUnion('kind', [
  lambdaAliasTargetSchema,
  albTargetSchema,
  customTargetSchema,
]);
export type Target = z.infer<typeof targetSchema>;
