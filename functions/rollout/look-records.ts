import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { systemActor } from '#platform/actor.ts';
import { waveFact } from '#releases/ready-wave.ts';
import { EXPERIMENT_OVER, type Progress } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';
import { progressAt, type Step, stepsOf } from '#releases/step.ts';
import type { Decision } from '#rollout/decision.ts';
import { experimentFacts, experimentOf, stoppedResult } from '#rollout/experiment-look.ts';
import type { ExperimentResult } from '#rollout/judge/experiment.ts';
import type { ArmCounts, ArmFacts } from '#rollout/judge/facts.ts';
import type { LookInput, LookResult } from '#rollout/judge/look.ts';
import { type Judged, type Look, lookInput, type WaveLook } from '#rollout/look.ts';

/** How the ledger tells that a hook has come to its end. */
export const HOOK_ENDED = {
  passed: 'release.hook.passed',
  failed: 'release.hook.failed',
} as const;

const PASSED: Record<Step['kind'], LedgerEventType> = {
  experiment: 'release.stage.promoted',
  stage: 'release.stage.promoted',
  bake: 'release.watch.passed',
  watch: 'release.watch.passed',
};

const decidedType = (look: Look, { verdict, reasons, holdBegins }: Decision): LedgerEventType | undefined => {
  const { step, state } = look;
  if (holdBegins) return 'release.stage.held';
  // The record of its conclusion tells of an experiment's planned end, unless something stood between the two.
  if (reasons[0]?.code === EXPERIMENT_OVER && state.experiment === undefined) return undefined;
  switch (verdict) {
    case 'continue':
      return undefined;
    case 'promote':
      return PASSED[step.kind];
    case 'restore':
      return 'release.look.decided';
  }
};

const scoresOf = ({ score, scoreUpper, baselineScore }: LookResult) => ({
  ...(score !== undefined && { score }),
  ...(scoreUpper !== undefined && { scoreUpper }),
  ...(baselineScore !== undefined && { baselineScore }),
});

/** What a round or a decision rests on, as the judge was given it: with these, `sluice judge --records` judges it again. */
const roundFactsOf = (input: LookInput, number: number): { readonly facts?: ArmFacts } => {
  const found = input.facts.rounds.find((round) => round.number === number);
  if (found === undefined) return {};
  const { number: _, ...facts } = found;
  return { facts: withoutGoals(facts) };
};

const decidedFactsOf = ({ facts, deadline }: LookInput) => {
  const { rounds: _, cumulative, ...known } = facts;
  return { facts: { ...known, cumulative: withoutGoals(cumulative) }, deadline };
};

/** What a goal was reached by is told with the experiment's conclusion: who reads it before decides on it. */
const withoutGoals = <F extends ArmFacts>({ canary, baseline, ...others }: F) => {
  const stripped = ({ goals: _, ...counts }: ArmCounts): ArmCounts => counts;
  return {
    ...others,
    ...(canary && { canary: stripped(canary) }),
    ...(baseline && { baseline: stripped(baseline) }),
  };
};

/**
 * What is told of an experiment at the look that concludes it, or ends it before that, and with it everything that it can be
 * judged by again.
 */
const experimentEnd = (look: Look, { experiment }: Judged, { verdict }: Decision) => {
  const settings = experimentOf(look);
  if (settings === undefined || look.state.experiment !== undefined) return undefined;
  const result = endOfExperiment(look, experiment, verdict);
  if (result?.verdict !== 'concluded') return undefined;
  const { reasons, ...told } = result;
  return { verdict, reasons, experiment: { settings, facts: experimentFacts(look, settings), result: told } };
};

const endOfExperiment = (
  look: Look,
  judged: ExperimentResult | undefined,
  verdict: Decision['verdict'],
): ExperimentResult | undefined =>
  judged?.verdict === 'running' && verdict !== 'continue' ? stoppedResult(look) : judged;

/** Everything a look has to tell: each round it judged, and what it decided. A look that only waits tells nothing. */
export const lookRecords = (look: Look, judged: Judged, decision: Decision): readonly RecordDraft[] => {
  const at = new Date(look.now).toISOString();
  const tell = (
    type: LedgerEventType,
    { wave, step }: WaveLook,
    data: Readonly<Record<string, unknown>>,
  ): RecordDraft =>
    releaseRecord(type, look.release, systemActor('judge-health'), at, {
      stage: step.stage,
      ...(step.kind !== 'stage' && { kind: step.kind }),
      ...waveFact(look.release, wave),
      weightPercent: step.weightPercent,
      ...(look.off.length > 0 && { switchesOff: look.off }),
      ...data,
    });
  const input = lookInput(look);
  const rounds = (one: WaveLook, given: LookInput, result: LookResult | undefined) =>
    (result?.rounds ?? []).map((round) =>
      tell('release.round.judged', one, { round, ...roundFactsOf(given, round.number) }),
    );
  const decided = decidedType(look, decision);
  const { verdict, reasons } = decision;
  const { evidence } = judged.main;
  const ended = experimentEnd(look, judged, decision);
  return [
    ...look.hooks.ended.map(({ hook, result, text }) =>
      tell(HOOK_ENDED[result], look, { hook: hook.name, text, onFailure: hook.onFailure }),
    ),
    ...look.earlier.flatMap((behind, index) => rounds(behind, lookInput(behind), judged.earlier[index])),
    ...rounds(look, input, judged.main),
    ...(ended === undefined ? [] : [tell('release.experiment.concluded', look, ended)]),
    ...(decided === undefined
      ? []
      : [
          tell(decided, look, {
            verdict,
            reasons,
            evidence,
            ...scoresOf(judged.main),
            ...decidedFactsOf(input),
          }),
        ]),
  ];
};

const standing = (result: ExperimentResult | undefined): Pick<Progress, 'experiment'> => {
  if (result === undefined) return {};
  const { reasons: _, ...experiment } = result;
  return { experiment };
};

/** What people see of the release after this look. */
export const lookProgress = (look: Look, { main, experiment }: Judged, decision: Decision): Progress => ({
  ...progressAt(look.release, stepsOf(look.release), look.step),
  ...standing(endOfExperiment(look, experiment, decision.verdict)),
  round: main.state.lastRound,
  rounds: look.step.rounds,
  ...scoresOf(main),
  verdict: decision.verdict === 'continue' ? main.verdict : decision.verdict,
  reasons: [...decision.reasons],
  lookedAt: new Date(look.now).toISOString(),
});
