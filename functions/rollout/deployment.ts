import * as z from 'zod';
import type { Target } from '#policy/target.ts';

/** A difference between what runs and what a release left, while it lasts. */
const driftSchema = z.strictObject({
  /** Counts the drifts of this target; names the records of this one. */
  number: z.int().min(1),
  expected: z.string(),
  /** Where traffic was found, in words. */
  found: z.string(),
  since: z.iso.datetime(),
});
export type Drift = z.infer<typeof driftSchema>;

/** What is known of a target beside its releases. */
export const deploymentSchema = z.strictObject({
  /** Rises with each change. */
  revision: z.int().min(1),
  /** What ran when it was looked at for the first time without a release before: what it is then held to. */
  firstSeen: z.strictObject({ version: z.string(), at: z.iso.datetime() }).optional(),
  drifts: z.int().min(0),
  drift: driftSchema.optional(),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** One service's target in one environment. */
export interface Place {
  readonly service: string;
  readonly environment: string;
  readonly target: Target;
}

export interface DeploymentStore {
  /** Consistent. */
  get(place: Place): Promise<Deployment | undefined>;
  /** Stores revision n on the condition that n − 1 is there (or nothing, for 1). False when it isn't. */
  put(place: Place, deployment: Deployment): Promise<boolean>;
}
