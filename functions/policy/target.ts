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

/**
 * What the target's traffic is known by, however it is declared: two declarations of one identity move the same
 * traffic, so that only one release may be at work on it. A custom function's is the function: what it moves is its own.
 */
export const targetIdentity = (target: Target): string => {
  switch (target.kind) {
    case 'lambda-alias':
      return `${target.kind}#${target.functionName}#${target.alias}`;
    case 'alb':
      return `${target.kind}#${target.ruleArn}`;
    case 'custom':
      return `${target.kind}#${target.functionName}`;
  }
};
