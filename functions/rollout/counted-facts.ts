import * as z from 'zod';
import type { Step } from '#releases/step.ts';
import { type ArmFacts, addArms, addProbes, armFactsSchema } from '#rollout/judge/facts.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { cumulativeFacts, type Settled } from '#rollout/stage-clock.ts';

/**
 * The part of a step that was summed up and is not read again, to its end (epoch milliseconds). An experiment goes on for longer
 * than a source keeps its counts, and to read weeks at every look would cost more than the looks.
 */
export const countedSchema = z.strictObject({ until: z.int(), facts: armFactsSchema });
export type Counted = Readonly<z.infer<typeof countedSchema>>;

/** What of an experiment is read at once at most, after a source was silent for long: a day, or two rounds. */
const READ_SECONDS_MAX = 86_400;

/** As much of a step as this look is about: of an experiment that fell behind, not all at once. */
export const windowOfLook = (
  { kind, roundSeconds }: Pick<Step, 'kind' | 'roundSeconds'>,
  settled: Settled,
  counted: Counted | undefined,
): Settled => {
  if (kind !== 'experiment') return settled;
  const most = 1_000 * Math.max(READ_SECONDS_MAX, 2 * roundSeconds);
  return { from: settled.from, to: Math.min(settled.to, uncounted(settled, counted).from + most) };
};

/** What is still to be read of a step. */
export const uncounted = (window: Settled, counted: Counted | undefined): Settled => ({
  from: Math.max(window.from, counted?.until ?? window.from),
  to: window.to,
});

/**
 * As much of a step as is known. Elsewhere what could not be read is missing until the next look; where it would be summed up as
 * missing, the step's time stands still instead.
 */
export const knownWindow = (
  { kind }: Pick<Step, 'kind'>,
  window: Settled,
  counted: Counted | undefined,
  wasRead: boolean,
): Settled =>
  wasRead || kind !== 'experiment' ? window : { from: window.from, to: counted?.until ?? window.from };

export const addFacts = (one: ArmFacts, other: ArmFacts): ArmFacts => {
  const canary = addArms(one.canary, other.canary);
  const baseline = addArms(one.baseline, other.baseline);
  const probes = addProbes(one.probes, other.probes);
  const baselineProbes = addProbes(one.baselineProbes, other.baselineProbes);
  return {
    ...(canary && { canary }),
    ...(baseline && { baseline }),
    ...(probes && { probes }),
    ...(baselineProbes && { baselineProbes }),
  };
};

/** Everything settled since the step began, in `window` of it. */
export const factsOfStep = (
  periods: readonly PeriodFacts[],
  window: Settled,
  counted: Counted | undefined,
): ArmFacts => addFacts(counted?.facts ?? {}, cumulativeFacts(periods, uncounted(window, counted)));

/** The same with the rounds summed up that have been judged by now: nobody asks for their periods again. */
export const countRounds = (
  { kind, roundSeconds }: Step,
  periods: readonly PeriodFacts[],
  { from }: Settled,
  counted: Counted | undefined,
  lastRound: number,
): Counted | undefined => {
  const until = from + lastRound * roundSeconds * 1_000;
  if (kind !== 'experiment' || until <= (counted?.until ?? from)) return counted;
  return { until, facts: factsOfStep(periods, { from, to: until }, counted) };
};
