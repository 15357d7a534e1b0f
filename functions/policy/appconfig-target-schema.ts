import * as z from 'zod';
import { regionSchema } from '#policy/region-schema.ts';

const id = z.string().regex(/^[a-z0-9]{4,7}$/, 'must be an id that AppConfig made, such as abc1234');

/** An application, an environment and a profile of it, as the stage's configuration permits them: `app/env/profile`. */
export const appConfigFlagSchema = z
  .string()
  .regex(
    /^[a-z0-9]{4,7}\/[a-z0-9]{4,7}\/[a-z0-9]{4,7}$/,
    'must be the ids of an application, an environment and a profile: abc1234/def5678/ghi9012',
  );

/**
 * A multi-variant feature flag of AWS AppConfig. A release's `version` is the name of one of its variants; which share
 * of callers gets it is a split by one key of what the callers tell AppConfig about themselves.
 */
export const appConfigTargetSchema = z.strictObject({
  kind: z.literal('appconfig-flag'),
  applicationId: id,
  environmentId: id,
  profileId: id,
  flag: z.string().regex(/^[a-z][a-zA-Z\d_-]{0,63}$/, 'must be the key of a flag'),
  /** The key of the callers' context that says who they are: who has the new version once, keeps it. */
  splitBy: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z\d_]{0,63}$/, 'must be a key of the context, without $')
    .default('userId'),
  /** One that deploys to everyone at once, without baking: anything slower would make a restore slow. */
  deploymentStrategyId: id,
  region: regionSchema.optional(),
});
export type AppConfigTarget = z.infer<typeof appConfigTargetSchema>;
