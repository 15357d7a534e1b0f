import * as z from 'zod';
import { goalNameSchema } from '#rollout/judge/facts.ts';

const WEEKS_MAX_SECONDS = 26 * 604_800;

/**
 * What an A/B experiment asks, said before it begins: a question that is chosen after the answers were seen has no α.
 *
 * - `fixed-horizon` looks once, when the horizon is reached, and is the most powerful at that one moment
 * - `sequential` looks always, by an interval that holds at all looks at once, and ends as soon as there is a winner
 */
export const experimentPolicySchema = z.strictObject({
  /** The count of `goals` in the facts: `good` of `total`, for example orders of sessions. */
  goal: goalNameSchema,
  better: z.enum(['more', 'less']).default('more'),
  mode: z.enum(['fixed-horizon', 'sequential']).default('fixed-horizon'),
  horizon: z.strictObject({
    /** Of settled data. Then the experiment is over, with or without a winner. */
    seconds: z.int().min(60).max(WEEKS_MAX_SECONDS),
    /** With a fixed horizon: over as soon as each arm has as many. `sluice experiment plan` says how many are needed. */
    samplePerArm: z.int().min(1).optional(),
  }),
  /** Nobody wins before each arm has this many. */
  minimumSample: z.int().min(10).default(1_000),
  /** Chance of any winner, either way, where there is no difference. */
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** Percentage points that a difference must surely exceed to be worth a winner. */
  minimumDifferencePoints: z.number().min(0).lt(100).default(0),
});
export type ExperimentPolicy = Readonly<z.infer<typeof experimentPolicySchema>>;
