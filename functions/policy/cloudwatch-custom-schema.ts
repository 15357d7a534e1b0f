import * as z from 'zod';
import { metricNameSchema, namespaceSchema, periodSecondsSchema } from '#policy/cloudwatch-names.ts';
import { regionSchema } from '#policy/region-schema.ts';
import { goalNameSchema } from '#rollout/judge/facts.ts';

/** Each is two series of either arm. */
const GOALS_MAX = 5;

/** As values of dimensions hold them: what each version's own value is put in for. */
export const VERSION = '{version}';
/** The name of the service that runs the version, of an ECS target's two. */
export const PLACE = '{place}';

/**
 * Counts that a service publishes to CloudWatch itself, by version: for targets of which AWS counts nothing by version,
 * or not what matters.
 */
export const cloudWatchCustomSchema = z.strictObject({
  source: z.literal('cloudwatch-custom'),
  namespace: namespaceSchema,
  /** The dimensions of every metric named here; one value or more says which version is meant. */
  dimensions: z
    .record(z.string().min(1).max(255), z.string().min(1).max(1_024))
    .refine((all) => Object.keys(all).length <= 30, { message: 'must be 30 at most' })
    .refine((all) => Object.values(all).some((value) => value.includes(VERSION) || value.includes(PLACE)), {
      message: `must have ${VERSION} in a value, or nothing tells one version's counts from another's`,
    }),
  requests: metricNameSchema,
  /** Published as 0 too: a period without a value has an unknown number of errors, not none. */
  errors: metricNameSchema,
  /** How long each request took, from which percentiles and counts of slow requests are read. */
  latency: z
    .strictObject({ metricName: metricNameSchema, unit: z.enum(['milliseconds', 'seconds']) })
    .optional(),
  /** Counts `<prefix><bound>` of requests slower than each bound of the latency grid, in milliseconds. */
  slowerThanPrefix: metricNameSchema.optional(),
  /** What experiments ask about, by name: how many reached the goal, and of how many. */
  goals: z
    .record(goalNameSchema, z.strictObject({ good: metricNameSchema, total: metricNameSchema }))
    .refine((goals) => Object.keys(goals).length <= GOALS_MAX, { message: `at most ${GOALS_MAX} goals` })
    .default({}),
  periodSeconds: periodSecondsSchema.default(60),
  /** How long after its end a period's counts no longer change. */
  settleSeconds: z.int().min(0).max(3_600).default(120),
  /** Where the metrics are; by default where the target is. */
  region: regionSchema.optional(),
});
export type CloudWatchCustom = z.infer<typeof cloudWatchCustomSchema>;
