import * as z from 'zod';
import { targetSchema } from '#policy/target.ts';
import { releaseSchema, snapshotSchema, waveSchema } from '#releases/release.ts';

/** What is carried beside the state, so that traffic can be restored when that can't be read. */
export const carriedTargetsSchema = z.strictObject({
  subject: releaseSchema.pick({
    releaseId: true,
    service: true,
    environment: true,
    version: true,
    attempt: true,
  }),
  waves: z
    .array(
      z.strictObject({
        name: waveSchema.shape.name,
        target: targetSchema,
        stableVersion: snapshotSchema.shape.stableVersion,
      }),
    )
    .min(1),
});
