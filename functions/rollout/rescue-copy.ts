import type * as z from 'zod';
import { PolicyDeniedError } from '#platform/errors.ts';
import { environmentNameSchema, type ReleaseId, serviceNameSchema } from '#platform/ids.ts';
import { regionSchema } from '#policy/region-schema.ts';
import { carriedTargetsSchema } from '#rollout/carried-targets-schema.ts';
import type { CarriedTargets } from '#rollout/restore.ts';

/** A parameter of the Parameter Store holds 8 KB (Systems Manager User Guide, "Managing parameter tiers"). */
const COPY_BYTES_MAX = 8_192;

/** A copy as it is kept, with the region that a target without one is in. */
const rescueCopySchema = carriedTargetsSchema.extend({ region: regionSchema });
export type RescueCopy = z.infer<typeof rescueCopySchema>;

/** `/sluice/rescue/checkout/production` */
export const rescueParameter = (prefix: string, service: string, environment: string): string =>
  `${prefix}/${serviceNameSchema.parse(service)}/${environmentNameSchema.parse(environment)}`;

/** @throws PolicyDeniedError when it is too long to be kept: a release that can't be rescued doesn't begin. */
export const rescueText = (copy: RescueCopy): string => {
  const text = JSON.stringify(rescueCopySchema.parse(copy));
  const bytes = Buffer.byteLength(text);
  if (bytes <= COPY_BYTES_MAX) return text;
  throw new PolicyDeniedError(
    `what stable is takes ${bytes} bytes to keep for a rescue, ${COPY_BYTES_MAX} is the most: shorten the parameters of its targets, or release in fewer waves`,
  );
};

/** @throws ZodError or SyntaxError for what is no copy of ours. */
export const parseRescueText = (text: string): RescueCopy => rescueCopySchema.parse(JSON.parse(text));

/**
 * Where traffic belongs should it have to come back without Sluice, kept where nothing of Sluice is needed to read it.
 * Written before a release moves anything, and true until the next one does: so it serves a rollout that hangs as well as
 * a version that was promoted.
 */
export interface RescueCopies {
  /** Replaces the one of an earlier release, in the stack's region and in each that a wave is in. @throws TransientError */
  keep(carried: CarriedTargets): Promise<void>;
  /** The copy that this release left, found without its service's name; undefined when a later one replaced it. @throws TransientError */
  ofRelease(releaseId: ReleaseId): Promise<CarriedTargets | undefined>;
}
