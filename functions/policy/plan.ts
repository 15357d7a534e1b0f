import * as z from 'zod';
import { type ExperimentSettings, experimentSettingsSchema } from '#policy/experiment-schema.ts';

/** One step of a rollout: a share of traffic, and how long it is judged, in settled data time. */
export const stageSchema = z.strictObject({
  weightPercent: z.int().min(1).max(100),
  rounds: z.int().min(1).max(1_000),
  roundSeconds: z.int().min(1).max(86_400),
});
export type Stage = z.infer<typeof stageSchema>;

const stagesSchema = z
  .array(stageSchema)
  .min(2)
  .max(20)
  .superRefine((stages, context) => {
    stages.forEach((stage, index) => {
      const previous = stages[index - 1];
      if (previous && stage.weightPercent <= previous.weightPercent)
        context.addIssue({
          code: 'custom',
          path: [index, 'weightPercent'],
          message: `must be more than the stage before (${previous.weightPercent})`,
        });
    });
    if (stages.at(-1)?.weightPercent !== 100)
      context.addIssue({
        code: 'custom',
        path: [stages.length - 1, 'weightPercent'],
        message: 'the last stage must be 100',
      });
  });

/** A plan of the service's own. The last stage, at 100 %, is the final verification. */
export const customPlanSchema = z.strictObject({
  stages: stagesSchema,
  /** From a stage's verified shift to its deadline; by default thrice its rounds and ten minutes. */
  stageDeadlineSeconds: z.int().min(1).max(604_800).optional(),
  /** How long a hold waits for people before traffic is restored. */
  holdSeconds: z.int().min(1).max(604_800).default(3_600),
  /** How long a person's pause lasts before traffic is restored: a day, so that a night passes. */
  pauseSeconds: z.int().min(1).max(604_800).default(86_400),
  /** After the last stage: how long the promoted version is looked at and can still be rolled back; 0 for not at all. */
  watchSeconds: z.int().min(0).max(604_800).default(900),
});

/** An experiment with the rounds that its version's health is judged in meanwhile. */
const plannedExperimentSchema = z.strictObject({
  settings: experimentSettingsSchema,
  rounds: z.int().min(1),
  roundSeconds: z.int().min(1),
});

/** What a release carries: everything spelled out, so that a later change of a plan can't reach a release in flight. */
export const planSchema = customPlanSchema.extend({
  name: z.string(),
  stages: z.array(stageSchema).max(20),
  /** Before the stages, which come only if the version is promoted. */
  experiment: plannedExperimentSchema.optional(),
});
export type Plan = z.infer<typeof planSchema>;

const minutes = (weightPercent: number, rounds: number): Stage => ({
  weightPercent,
  rounds,
  roundSeconds: 60,
});

/** CAN-2. */
const NAMED = {
  standard: [
    minutes(5, 3),
    minutes(25, 3),
    { weightPercent: 50, rounds: 5, roundSeconds: 90 },
    minutes(100, 1),
  ],
  rapid: [minutes(10, 8), minutes(50, 12), minutes(100, 15)],
} as const satisfies Record<string, readonly Stage[]>;

/** A plan as a service names or spells it. */
export const planChoiceSchema = z.union([
  z.enum(Object.keys(NAMED) as (keyof typeof NAMED)[]),
  customPlanSchema,
]);
export type PlanChoice = z.infer<typeof planChoiceSchema>;

/**
 * The chosen plan, spelled out. A first weight of the release's own replaces the first stage's, and every stage at or
 * below it goes, so that weights still only rise.
 */
export const planOf = (choice: PlanChoice, firstWeightPercent?: number): Plan => {
  const plan =
    typeof choice === 'string'
      ? planSchema.parse({ name: choice, stages: NAMED[choice] })
      : planSchema.parse({ name: 'custom', ...choice });
  const [first, ...others] = plan.stages;
  if (firstWeightPercent === undefined || first === undefined) return plan;
  const later = others.filter((stage) => stage.weightPercent > firstWeightPercent);
  return { ...plan, stages: [{ ...first, weightPercent: firstWeightPercent }, ...later] };
};

/** All traffic in one step, judged as the plan's last stage is. */
export const planAtOnce = (choice: PlanChoice, name: string): Plan => {
  const plan = planOf(choice);
  return { ...plan, name, stages: plan.stages.slice(-1) };
};

/** A round of an experiment is an hour, a shorter experiment has a hundred: each is a record, and no breach waits for one. */
const EXPERIMENT_ROUND_SECONDS_MAX = 3_600;
const EXPERIMENT_ROUNDS = 100;

/** An experiment, and after it all traffic in one step, should its version be promoted. */
export const planOfExperiment = (
  choice: PlanChoice,
  settings: ExperimentSettings,
  periodSeconds: number,
): Plan => {
  const { seconds } = settings.horizon;
  const wanted = Math.min(EXPERIMENT_ROUND_SECONDS_MAX, seconds / EXPERIMENT_ROUNDS);
  // Whole periods: what is judged as a round is summed up and never read again.
  const roundSeconds = Math.ceil(wanted / periodSeconds) * periodSeconds;
  const rounds = Math.ceil(seconds / roundSeconds);
  return { ...planAtOnce(choice, 'experiment'), experiment: { settings, rounds, roundSeconds } };
};

/** No stage and no watch: promoted at once. */
export const planWithoutStages = ({ experiment: _, ...plan }: Plan, name: string): Plan => ({
  ...plan,
  name,
  stages: [],
  watchSeconds: 0,
});

/** One stage at this weight, which a drill never passes. */
export const planOfDrill = (choice: PlanChoice, weightPercent: number): Plan => {
  const plan = planOf(choice);
  const [first] = plan.stages;
  const stages = first === undefined ? [] : [{ ...first, weightPercent }];
  return { ...plan, name: 'drill', stages, watchSeconds: 0 };
};

/** Seconds from a stage's verified shift to the moment at which missing data is no longer waited for. */
export const stageDeadlineSeconds = (
  plan: Plan,
  stage: Pick<Stage, 'rounds' | 'roundSeconds'>,
  settleSeconds: number,
): number => plan.stageDeadlineSeconds ?? 3 * stage.rounds * stage.roundSeconds + 600 + settleSeconds;
