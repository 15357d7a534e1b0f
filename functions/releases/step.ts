import type { Progress, Release, STEP_KINDS, Wave } from '#releases/release.ts';

/** What the workflow goes through one by one: a weight in one wave, and what must have been judged before the next. */
export interface Step {
  /** Over the whole release. */
  readonly index: number;
  readonly kind: (typeof STEP_KINDS)[number];
  readonly wave: number;
  /** Of the plan; a bake or a watch is at its last one. */
  readonly stage: number;
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

/**
 * The whole way of a release: each wave through the plan's stages, a bake between two waves, a watch at the end. The
 * stable version stays beside the new one, without traffic, until all of it is over: per-version metrics of an alias
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
  return [...steps, ...watch].map((step, index) => ({ ...step, index }));
};

/** Percent of the wave's traffic that the canary has when the step `before` it is over. */
export const weightBefore = (steps: readonly Step[], index: number, wave: number): number =>
  steps.findLast((step) => step.wave === wave && step.index < index)?.weightPercent ?? 0;

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
  { plan }: Pick<Release, 'plan'>,
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
});
