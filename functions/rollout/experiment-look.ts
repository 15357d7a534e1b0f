import type { ExperimentSettings } from '#policy/experiment-schema.ts';
import type { Release } from '#releases/release.ts';
import type { Step } from '#releases/step.ts';
import { type Counted, factsOfStep } from '#rollout/counted-facts.ts';
import {
  type ExperimentFacts,
  type ExperimentResult,
  judgeExperiment,
  stopExperiment,
} from '#rollout/judge/experiment.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { judgedSeconds, type Settled } from '#rollout/stage-clock.ts';

/** As much of a look as an experiment is about. */
interface LookAtExperiment {
  readonly release: Pick<Release, 'plan'>;
  readonly step: Step;
  readonly periods: readonly PeriodFacts[];
  readonly window: Settled;
  readonly state: { readonly counted?: Counted | undefined };
}

/** The settings of the experiment that a look is about; undefined at every other step. */
export const experimentOf = ({
  release,
  step,
}: Pick<LookAtExperiment, 'release' | 'step'>): ExperimentSettings | undefined =>
  step.kind === 'experiment' ? release.plan.experiment?.settings : undefined;

/** What an experiment is judged by: nothing that settled after its horizon, however late the look. */
export const experimentFacts = (
  { periods, window, step, state }: Omit<LookAtExperiment, 'release'>,
  { horizon }: ExperimentSettings,
): ExperimentFacts => {
  const until = { from: window.from, to: Math.min(window.to, window.from + horizon.seconds * 1_000) };
  const { canary, baseline } = factsOfStep(periods, until, state.counted);
  return {
    judgedSeconds: judgedSeconds(until),
    weightPercent: step.weightPercent,
    cumulative: { ...(canary && { canary }), ...(baseline && { baseline }) },
  };
};

/** What the experiment of a look has shown; once it is concluded, what it had shown then. */
export const experimentResult = (
  look: LookAtExperiment,
  concluded: ExperimentResult | undefined,
): ExperimentResult | undefined => {
  const settings = experimentOf(look);
  if (settings === undefined) return undefined;
  return concluded ?? judgeExperiment(settings, experimentFacts(look, settings));
};

/** What is told of an experiment that a look ends before it was concluded. */
export const stoppedResult = (look: LookAtExperiment): ExperimentResult | undefined => {
  const settings = experimentOf(look);
  return settings && stopExperiment(settings, experimentFacts(look, settings));
};

/** A release of the standard plan has as many rounds. */
const USUAL_ROUNDS = 12;

/**
 * Two failed rounds running roll back. With a hundred times the rounds of a release chance has a hundred times the pairs of them:
 * the error of each is smaller by the root of that.
 */
export const policyOfStep = (
  policy: JudgePolicy,
  { kind, rounds }: Pick<Step, 'kind' | 'rounds'>,
): JudgePolicy => {
  if (kind !== 'experiment') return policy;
  const chanceAlpha = policy.score.chanceAlpha * Math.sqrt(Math.min(1, USUAL_ROUNDS / rounds));
  return { ...policy, score: { ...policy.score, chanceAlpha } };
};
