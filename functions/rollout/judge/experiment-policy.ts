import * as z from 'zod';
import { goalNameSchema } from '#rollout/judge/facts.ts';

const WEEKS_MAX_SECONDS = 26 * 604_800;

/**
 * What an A/B experiment asks, said before it begins: a question that is chosen after the answers were seen has no α.
 *
 * - `fixed-horizon` looks once, when the horizon is reached, and is the most powerful at that one moment
 * - `sequential` looks always, by an interval that holds at all looks at once, and ends as soon as there is a winner
 */
export const experimentPolicyShape = {
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
  /**
   * The least difference that it is to find, at the stable version's share of goals: the sample that it needs follows. With
   * fewer no winner is no answer.
   */
  minimumDetectable: z
    .strictObject({
      basePercent: z.number().gt(0).lt(100),
      /** Either sign. */
      differencePoints: z
        .number()
        .gt(-100)
        .lt(100)
        .refine((points) => points !== 0, { message: 'must not be 0: no difference can’t be found' }),
      /** Chance of finding that difference where it is. */
      power: z.number().min(0.5).lt(1).default(0.8),
    })
    .optional(),
};

type Question = Readonly<z.infer<z.ZodObject<typeof experimentPolicyShape>>>;

/** For `superRefine`: the parts of the question go together. */
export const requireOneQuestion = (
  { mode, horizon, minimumSample, minimumDetectable: least }: Question,
  context: Pick<z.core.$RefinementCtx, 'addIssue'>,
): void => {
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const { samplePerArm } = horizon;
  if (samplePerArm !== undefined && mode === 'sequential')
    refuse(
      ['horizon', 'samplePerArm'],
      'must be left out: a sequential experiment looks always, and ends by its time',
    );
  if (samplePerArm !== undefined && least !== undefined)
    refuse(['horizon', 'samplePerArm'], 'must be left out where minimumDetectable says how many are needed');
  if (samplePerArm !== undefined && samplePerArm < minimumSample)
    refuse(
      ['horizon', 'samplePerArm'],
      `must be at least minimumSample (${minimumSample}), or nobody can win`,
    );
  if (least === undefined) return;
  const reached = least.basePercent + least.differencePoints;
  if (reached <= 0 || reached >= 100)
    refuse(
      ['minimumDetectable', 'differencePoints'],
      `must leave a share between 0 and 100 %, not ${reached} %`,
    );
};

export const experimentPolicySchema = z.strictObject(experimentPolicyShape).superRefine(requireOneQuestion);
export type ExperimentPolicy = Readonly<z.infer<typeof experimentPolicySchema>>;
