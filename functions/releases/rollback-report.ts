import * as z from 'zod';
import { releaseIdSchema } from '#platform/ids.ts';
import { STRATEGIES } from '#policy/strategy-schema.ts';
import { type Release, reasonSchema, restoredOutcome } from '#releases/release.ts';
import { restoredTime } from '#releases/restored-time.ts';

/** One time that traffic was brought back, drill or not. */
const restoredSchema = z.strictObject({
  releaseId: releaseIdSchema,
  environment: z.string(),
  strategy: z.enum(STRATEGIES),
  reasons: z.array(reasonSchema),
  breachedAt: z.iso.datetime(),
  verifiedAt: z.iso.datetime(),
  milliseconds: z.number(),
});

const summarySchema = z.strictObject({
  /** Releases whose traffic had to come back. */
  begun: z.int(),
  /** Of these, verified on stable within `withinSeconds`. */
  succeeded: z.int(),
  /** 0 to 1; absent where nothing had to come back. */
  successRate: z.number().optional(),
  medianMilliseconds: z.number().optional(),
  maximumMilliseconds: z.number().optional(),
});

/** How well and how fast traffic came back (CAN-6). */
export const rollbackReportSchema = z.strictObject({
  withinSeconds: z.number(),
  drills: summarySchema,
  real: summarySchema,
  restored: z.array(restoredSchema),
});
export type RollbackReport = z.infer<typeof rollbackReportSchema>;

/** CAN-6: traffic is verified back on the stable version within this time of the breach. */
const WITHIN_SECONDS = 60;

const summaryOf = (releases: readonly Release[]): z.infer<typeof summarySchema> => {
  const times = releases
    .flatMap((release) => restoredTime(release)?.milliseconds ?? [])
    .toSorted((one, other) => one - other);
  const succeeded = times.filter((time) => time <= WITHIN_SECONDS * 1_000).length;
  const median = times[Math.floor((times.length - 1) / 2)];
  const maximum = times.at(-1);
  return {
    begun: releases.length,
    succeeded,
    ...(releases.length > 0 && { successRate: succeeded / releases.length }),
    ...(median !== undefined && { medianMilliseconds: median }),
    ...(maximum !== undefined && { maximumMilliseconds: maximum }),
  };
};

/** A restore that is still under way counts as begun: one that never ends is a failure, not an absence. */
const hadToComeBack = (release: Release): boolean =>
  release.outcome === 'rolled-back' ||
  (release.mode === 'restoring' && restoredOutcome(release) === 'rolled-back');

export const rollbackReport = (releases: readonly Release[]): RollbackReport => {
  const back = releases.filter(hadToComeBack);
  const isDrill = ({ strategy }: Release) => strategy === 'drill';
  return {
    withinSeconds: WITHIN_SECONDS,
    drills: summaryOf(back.filter(isDrill)),
    real: summaryOf(back.filter((release) => !isDrill(release))),
    restored: back.flatMap((release) => {
      const time = restoredTime(release);
      if (time === undefined) return [];
      const { releaseId, environment, strategy, reasons = [] } = release;
      return [{ releaseId, environment, strategy, reasons, ...time }];
    }),
  };
};
