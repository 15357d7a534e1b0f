import * as z from 'zod';
import type { Component } from '#rollout/judge/components.ts';
import { addStages, type LnByTest, lnByTestSchema } from '#rollout/judge/evidence.ts';
import {
  addArms,
  armCountsSchema,
  type BaselineHistory,
  type ProbeCounts,
  probeCountsSchema,
} from '#rollout/judge/facts.ts';
import { type JudgedRound, judgedRoundSchema } from '#rollout/judge/round.ts';

/** What a stage carries from look to look, small and of constant size: a stage may go on for weeks. */
export const stageStateSchema = z.strictObject({
  /** Number of the last judged round, 0 before the first, and how that went. */
  lastRound: z.int().min(0),
  lastStatus: judgedRoundSchema.shape.status.optional(),
  roundsScored: z.int().min(0),
  scoreUpperSum: z.number(),
  roundsWithBaseline: z.int().min(0),
  baselineScoreSum: z.number(),
  failedRoundsRunning: z.int().min(0),
  /** Components that the running failed rounds missed and that no later round has cleared. */
  failedComponents: judgedRoundSchema.shape.missed,
  /** Probes up to the last look, and looks running in which every new one failed. */
  probesSeen: probeCountsSchema,
  failedProbeLooksRunning: z.int().min(0),
  /**
   * Log evidence at the last look: of this stage, of the one before (to which data still settles), and of all before that.
   */
  carriedEvidence: lnByTestSchema,
  previousEvidence: lnByTestSchema,
  stageEvidence: lnByTestSchema,
  /** What the stable version served in the earlier stages, and in this one up to the last look that knew. */
  earlierBaseline: armCountsSchema.optional(),
  stageBaseline: armCountsSchema.optional(),
});
export type StageState = Readonly<z.infer<typeof stageStateSchema>>;

export function initialStageState(carriedEvidence: LnByTest = {}): StageState {
  return {
    lastRound: 0,
    roundsScored: 0,
    scoreUpperSum: 0,
    roundsWithBaseline: 0,
    baselineScoreSum: 0,
    failedRoundsRunning: 0,
    failedComponents: [],
    probesSeen: { attempts: 0, successes: 0 },
    failedProbeLooksRunning: 0,
    carriedEvidence,
    previousEvidence: {},
    stageEvidence: {},
  };
}

/** The state a following stage starts with: what was found and what the baseline did go on, everything else begins anew. */
export function nextStageState(ended: StageState): StageState {
  const earlierBaseline = addArms(ended.earlierBaseline, ended.stageBaseline);
  return {
    ...initialStageState(addStages(ended.carriedEvidence, ended.previousEvidence)),
    previousEvidence: ended.stageEvidence,
    ...(earlierBaseline && { earlierBaseline }),
  };
}

/**
 * What the canary is compared with where the stable version serves nothing: the history taken before the release, else what
 * the stable version did in its earlier stages. Without either, 3 % of errors that are quite normal would look like a breach.
 */
export function pastOfBaseline(
  history: BaselineHistory | undefined,
  { earlierBaseline }: StageState,
): BaselineHistory | undefined {
  if (history?.counts !== undefined || earlierBaseline === undefined) return history;
  return { ...history, counts: earlierBaseline };
}

/**
 * A failed round adds to the run; one that measured all that had failed, and did not fail, ends it. A round that lacks data
 * on a failed component does neither: a canary can't clear itself by losing its metrics.
 */
export function afterRound(state: StageState, round: JudgedRound): StageState {
  const scored = round.scoreUpper === undefined ? 0 : 1;
  const withBaseline = round.baselineScore === undefined ? 0 : 1;
  return {
    ...state,
    ...runAfter(state, round),
    lastRound: round.number,
    lastStatus: round.status,
    roundsScored: state.roundsScored + scored,
    scoreUpperSum: state.scoreUpperSum + (round.scoreUpper ?? 0),
    roundsWithBaseline: state.roundsWithBaseline + withBaseline,
    baselineScoreSum: state.baselineScoreSum + (round.baselineScore ?? 0),
  };
}

function runAfter(
  state: StageState,
  round: JudgedRound,
): Pick<StageState, 'failedRoundsRunning' | 'failedComponents'> {
  const unmeasured = state.failedComponents.filter((component) => round.missing.includes(component));
  if (round.status === 'failed') {
    const failedComponents: Component[] = [...new Set([...unmeasured, ...round.missed])];
    return { failedRoundsRunning: state.failedRoundsRunning + 1, failedComponents };
  }
  if (unmeasured.length > 0)
    return { failedRoundsRunning: state.failedRoundsRunning, failedComponents: unmeasured };
  return { failedRoundsRunning: 0, failedComponents: [] };
}

/** A look without a new probe leaves the run of failing looks as it is. */
export function afterProbes(state: StageState, probes: ProbeCounts | undefined): StageState {
  const attempts = (probes?.attempts ?? 0) - state.probesSeen.attempts;
  if (probes === undefined || attempts <= 0) return state;
  const successes = probes.successes - state.probesSeen.successes;
  return {
    ...state,
    probesSeen: probes,
    failedProbeLooksRunning: successes > 0 ? 0 : state.failedProbeLooksRunning + 1,
  };
}
