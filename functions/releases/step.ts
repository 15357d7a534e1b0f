import type { ExperimentSettings } from '#policy/experiment-schema.ts';
import { stageDeadlineSeconds } from '#policy/plan.ts';
import type { Progress, Release, STEP_KINDS, Wave } from '#releases/release.ts';

/** What the workflow goes through one by one: a weight in one wave, and what must have been judged before the next. */
export interface Step {
  /** Over the whole release. */
  readonly index: number;
  readonly kind: (typeof STEP_KINDS)[number];
  /** Of an experiment: how callers are kept with one version. */
  readonly split?: ExperimentSettings['split']['by'];
  readonly wave: number;
  /** Of the plan; a bake or a watch is at its last one, an experiment before its first. */
  readonly stage: number;
  /** Of callers; where a header splits them, no weight of the target says so. */
  readonly weightPercent: number;
  readonly rounds: number;
  readonly roundSeconds: number;
}

/** A bake or a watch is judged in rounds of a minute, a shorter one in a single round. */
const ROUND_SECONDS_MAX = 60;

const atFull = (
  kind: 'bake' | 'watch',
  wave: number,
  stage: number,
  seconds: number,
): Omit<Step, 'index'>[] => {
  if (seconds === 0) return [];
  const roundSeconds = Math.min(seconds, ROUND_SECONDS_MAX);
  const rounds = Math.ceil(seconds / roundSeconds);
  return [{ kind, wave, stage, weightPercent: 100, rounds, roundSeconds }];
};

const experimentIn = ({ experiment }: Release['plan']): Omit<Step, 'index'>[] => {
  if (experiment === undefined) return [];
  const { settings, rounds, roundSeconds } = experiment;
  const { by, weightPercent } = settings.split;
  return [{ kind: 'experiment', split: by, wave: 0, stage: 0, weightPercent, rounds, roundSeconds }];
};

/**
 * The whole way of a release: an experiment, each wave through the plan's stages, a bake between two waves, a watch at the
 * end. The stable version stays beside the new one, without traffic, until all of it is over: per-version metrics of an alias
 * need it, and a restore is then one write. None for a plan without stages: it is promoted at once.
 */
export const stepsOf = ({
  plan,
  waves,
}: {
  readonly plan: Release['plan'];
  readonly waves: readonly Pick<Wave, 'bakeSeconds'>[];
}): readonly Step[] => {
  if (plan.stages.length === 0) return [];
  const last = plan.stages.length - 1;
  const steps = waves.flatMap(({ bakeSeconds }, wave) => [
    ...(wave === 0 ? [] : atFull('bake', wave - 1, last, bakeSeconds)),
    ...plan.stages.map((stage, index) => ({ kind: 'stage' as const, wave, stage: index, ...stage })),
  ]);
  const watch = atFull('watch', waves.length - 1, last, plan.watchSeconds);
  return [...experimentIn(plan), ...steps, ...watch].map((step, index) => ({ ...step, index }));
};

/** How the step before this one left the wave's traffic; undefined where none moved it. */
export const stepBefore = (steps: readonly Step[], index: number, wave: number): Step | undefined =>
  steps.findLast((step) => step.wave === wave && step.index < index);

/**
 * Seconds from a step's verified shift to the moment at which missing data is no longer waited for. An experiment has none: it
 * is over by its time, and by then, with as much as a stage has for what is missing, it has ended.
 */
export const stepDeadlineSeconds = (
  plan: Release['plan'],
  step: Pick<Step, 'kind' | 'rounds' | 'roundSeconds'>,
  settleSeconds: number,
): number => {
  const { experiment } = plan;
  return step.kind === 'experiment' && experiment !== undefined
    ? experiment.settings.horizon.seconds + experimentEndSeconds(plan, settleSeconds)
    : stageDeadlineSeconds(plan, step, settleSeconds);
};

/** How long what is missing for the promotion of a version that has won is waited for. */
export const experimentEndSeconds = (plan: Release['plan'], settleSeconds: number): number => {
  const [final] = plan.stages;
  return final === undefined ? settleSeconds : stageDeadlineSeconds(plan, final, settleSeconds);
};

/** More rounds than any release lasts. */
const ROUNDS_BEHIND = 1_000_000;

/** How waves before the step's own are looked at meanwhile: at 100 %, in rounds of a minute, without an end. */
export const stepBehind = (step: Step): Step => ({
  ...step,
  weightPercent: 100,
  rounds: ROUNDS_BEHIND,
  roundSeconds: ROUND_SECONDS_MAX,
});

/** What is noted of a step as it begins. */
export const progressAt = (
  { plan, progress }: Pick<Release, 'plan' | 'progress'>,
  steps: readonly Step[],
  { index, kind, wave, stage, weightPercent }: Step,
): Progress => ({
  step: index,
  steps: steps.length,
  kind,
  wave,
  stage,
  stages: plan.stages.length,
  weightPercent,
  ...(progress?.experiment && { experiment: progress.experiment }),
});
