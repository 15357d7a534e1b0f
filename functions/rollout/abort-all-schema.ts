import * as z from 'zod';
import { environmentNameSchema, releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';

/** What became of one release. `ended`: it had by then, and its traffic was verified where it ended. */
export const abortedReleaseSchema = z.strictObject({
  releaseId: releaseIdSchema,
  service: serviceNameSchema,
  result: z.enum(['restored', 'nothing-moved', 'ended', 'failed']),
  text: z.string(),
});
export type AbortedRelease = z.infer<typeof abortedReleaseSchema>;

export const abortAllResultSchema = z.strictObject({
  environment: environmentNameSchema,
  /** No release of the environment is known to have traffic on a new version. */
  complete: z.boolean(),
  text: z.string(),
  releases: z.array(abortedReleaseSchema),
});
export type AbortAllResult = z.infer<typeof abortAllResultSchema>;
