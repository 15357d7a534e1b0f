import * as z from 'zod';
import { environmentNameSchema, idempotencyKeySchema, serviceNameSchema } from '#platform/ids.ts';
import { textSchema } from '#platform/text.ts';
import { experimentSettingsSchema } from '#policy/experiment-schema.ts';
import { REQUESTED_STRATEGIES } from '#policy/strategy-schema.ts';
import { WAVES_MAX, waveNameSchema } from '#policy/wave-definition.ts';

const versionSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:@/+-]{1,256}$/, 'must be 1 to 256 of A-Z a-z 0-9 . _ : @ / + -');

/** What a release asks for, through whichever door. */
export const releaseRequestSchema = z.strictObject({
  service: serviceNameSchema,
  environment: environmentNameSchema,
  /** What to run, in the target's own terms: for a Lambda alias the number of a published version. */
  version: versionSchema,
  /** Where a wave's version has another name, as a function's number in another region: by the wave's name. */
  versions: z.record(waveNameSchema, versionSchema).optional(),
  strategy: z.enum(REQUESTED_STRATEGIES).default('canary'),
  /** With the strategy `experiment`: what is asked, in the place of what the service's definition says. */
  experiment: experimentSettingsSchema.optional(),
  /** Replaces the weight of the plan's first stage. */
  firstStageWeightPercent: z.int().min(1).max(99).optional(),
  /**
   * Versions that run without a release having left them, and that this one may take for stable: an operator's way on
   * after a change by hand that was right.
   */
  acceptRunningVersions: z.array(versionSchema).min(1).max(WAVES_MAX).optional(),
  notes: textSchema(2_000).optional(),
});
export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;

/**
 * The detail of `sluice.release.requested` on the bus. An event proves which account sent it, not which person:
 * `requestedBy` is recorded as claimed, and what takes an operator can't be asked for. Without a key, the event's own id is
 * one, so that a redelivery has no effect.
 */
export const releaseRequestedDetailSchema = releaseRequestSchema
  .omit({ acceptRunningVersions: true })
  .extend({
    requestedBy: textSchema(200).optional(),
    idempotencyKey: idempotencyKeySchema.optional(),
  });
