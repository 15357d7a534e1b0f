import * as z from 'zod';
import { albTargetSchema, regionOfArn } from '#policy/alb-target-schema.ts';
import { appConfigTargetSchema } from '#policy/appconfig-target-schema.ts';
import { customTargetSchema } from '#policy/custom-target-schema.ts';
import { ecsTargetSchema } from '#policy/ecs-target-schema.ts';
import { regionSchema } from '#policy/region-schema.ts';

/** A Lambda alias whose weighted routing Sluice moves; one variant of `target`, one shifter. */
export const lambdaAliasTargetSchema = z.strictObject({
  kind: z.literal('lambda-alias'),
  functionName: z.string().regex(/^[A-Za-z0-9-_]{1,64}$/, 'must be a function name, not an ARN'),
  alias: z
    .string()
    .regex(/^(?!\d+$)[A-Za-z0-9-_]{1,128}$/, 'must be an alias: letters, digits, - and _, not only digits'),
  region: regionSchema.optional(),
});
export type LambdaAliasTarget = z.infer<typeof lambdaAliasTargetSchema>;

/** What a release moves traffic on. */
export const targetSchema = z.discriminatedUnion('kind', [
  lambdaAliasTargetSchema,
  albTargetSchema,
  ecsTargetSchema,
  appConfigTargetSchema,
  customTargetSchema,
]);
export type Target = z.infer<typeof targetSchema>;

/** The region of a target that isn't in the stack's own. */
export const regionOf = (target: Target): string | undefined => {
  switch (target.kind) {
    case 'alb':
    case 'ecs':
      return regionOfArn(target.ruleArn);
    case 'lambda-alias':
    case 'appconfig-flag':
    case 'custom':
      return target.region;
    default:
      return target satisfies never;
  }
};

/**
 * What the target's traffic is known by, however it is declared: two declarations of one identity move the same
 * traffic, so that only one release may be at work on it. A custom function's is the function: what it moves is its own.
 * AppConfig deploys one thing at a time to an environment, so that all flags there are one.
 */
export const targetIdentity = (target: Target): string => {
  const within = 'region' in target && target.region !== undefined ? [target.region] : [];
  switch (target.kind) {
    case 'lambda-alias':
      return [target.kind, ...within, target.functionName, target.alias].join('#');
    case 'alb':
    case 'ecs':
      return `alb#${target.ruleArn}`;
    case 'appconfig-flag':
      return [target.kind, ...within, target.applicationId, target.environmentId].join('#');
    case 'custom':
      return [target.kind, ...within, target.functionName].join('#');
    default:
      return target satisfies never;
  }
};
