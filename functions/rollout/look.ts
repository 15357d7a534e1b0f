import { shorten } from '#platform/text.ts';
import { type Stage, stageDeadlineSeconds } from '#policy/plan.ts';
import { REASON_TEXT_MAX, type Reason, type Release } from '#releases/release.ts';
import type { LookInput, LookResult } from '#rollout/judge/look.ts';
import { initialStageState, nextStageState } from '#rollout/judge/stage-state.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import {
  cumulativeFacts,
  judgedSeconds,
  roundFacts,
  roundsSettled,
  type Settled,
} from '#rollout/stage-clock.ts';
import { addLookProbes, probesOfRound } from '#rollout/stage-probes.ts';
import type { LookState } from '#rollout/tasks.ts';

export interface Look {
  readonly release: Release;
  readonly stageIndex: number;
  readonly stage: Stage;
  /** What the last look left, with this look's probes. */
  readonly state: LookState;
  readonly periods: readonly PeriodFacts[];
  readonly window: Settled;
  readonly settleSeconds: number;
  /** Epoch milliseconds. */
  readonly shiftedAt: number;
  readonly now: number;
}

/** What a release's very first look starts from. */
export const firstLookState = (): LookState => ({ judge: initialStageState(), looks: 0 });

/** What the next stage starts from: evidence goes on, everything else begins anew. */
export const afterStage = (state: LookState): LookState => ({ judge: nextStageState(state.judge), looks: 0 });

/** What this look leaves to the next one of its stage. */
const looked = ({ state }: Look, result: LookResult): LookState => ({
  judge: result.state,
  looks: state.looks + 1,
  ...(state.probes && { probes: state.probes }),
});

/** Seconds from now to the stage's deadline; negative once it has passed. */
const secondsToDeadline = (look: Look): number =>
  (look.shiftedAt - look.now) / 1_000 +
  stageDeadlineSeconds(look.release.plan, look.stage, look.settleSeconds);

/**
 * What settled at once is judged at several looks: each round is a record, and a look's records are one batch of the
 * ledger's, which holds 98.
 */
const ROUNDS_PER_LOOK_MAX = 50;

/** The judge's input: the same facts, in the form that the offline judge takes too. */
export const lookInput = (look: Look): LookInput => {
  const { stage, window, periods, state } = look;
  const waiting = Math.max(0, roundsSettled(window, stage) - state.judge.lastRound);
  const fresh = Array.from({ length: Math.min(waiting, ROUNDS_PER_LOOK_MAX) }, (_, offset) => {
    const number = state.judge.lastRound + offset + 1;
    const facts = roundFacts(periods, window, stage.roundSeconds, number);
    return { number, ...facts, ...addLookProbes(facts, probesOfRound(state.probes, number)) };
  });
  const history = look.release.snapshot?.history;
  const cumulative = cumulativeFacts(periods, window);
  return {
    policy: look.release.judge,
    stage: { index: look.stageIndex, ...stage, final: stage.weightPercent === 100 },
    facts: {
      judgedSeconds: judgedSeconds(window),
      cumulative: { ...cumulative, ...addLookProbes(cumulative, state.probes?.stage ?? {}) },
      rounds: fresh,
      ...(history && { history }),
    },
    deadline: secondsToDeadline(look) > 0 ? 'open' : 'passed',
    state: state.judge,
  };
};

export interface Decision {
  readonly verdict: 'continue' | 'promote' | 'restore';
  readonly reasons: readonly Reason[];
  readonly state: LookState;
  /** True at the look at which a hold begins. */
  readonly holdBegins: boolean;
}

/**
 * What the workflow does about the judge's verdict. A rollback is one, whoever wishes what. A hold waits for people,
 * with looks going on, and ends in a restore at its deadline: nothing stays on a canary because nobody came.
 */
export const decide = (look: Look, judged: LookResult): Decision => {
  const result = { ...judged, reasons: judged.reasons.map(fitting) };
  const reasons: readonly Reason[] = result.reasons;
  switch (result.verdict) {
    case 'rollback':
      return { verdict: 'restore', reasons, state: looked(look, result), holdBegins: false };
    case 'promote':
    case 'continue':
    case 'extend':
    case 'hold':
      return wished(look, result) ?? undisturbed(look, result);
  }
};

/** A reason that tells of many rounds may be longer than a release keeps. */
const fitting = (reason: LookResult['reasons'][number]): LookResult['reasons'][number] => ({
  ...reason,
  text: shorten(reason.text, REASON_TEXT_MAX),
});

const restoreAfter = (code: string, text: string, look: Look, result: LookResult): Decision => ({
  verdict: 'restore',
  reasons: [{ code, text }, ...result.reasons],
  state: looked(look, result),
  holdBegins: false,
});

/**
 * What a person's wish makes of a look that sees nothing wrong. A wished promotion needs data all the same: nothing is
 * promoted on silence, whoever asks. A pause ends in a restore at its deadline.
 */
const wished = (look: Look, result: LookResult): Decision | undefined => {
  const { paused, promotionWish, plan } = look.release;
  if (promotionWish?.stage === look.stageIndex && result.score !== undefined) {
    const text = `promoted by ${promotionWish.by.login}: ${promotionWish.reason}`;
    const reasons = [{ code: 'operator-promote', text }, ...result.reasons];
    return { verdict: 'promote', reasons, state: afterStage(looked(look, result)), holdBegins: false };
  }
  if (paused === undefined) return undefined;
  const pausedSeconds = (look.now - Date.parse(paused.at)) / 1_000;
  if (pausedSeconds >= plan.pauseSeconds)
    return restoreAfter(
      'pause-deadline',
      `paused by ${paused.by.login} since ${paused.at} and not resumed within ${plan.pauseSeconds} s`,
      look,
      result,
    );
  const text = `paused by ${paused.by.login} since ${paused.at}: ${paused.reason}`;
  const reasons = [{ code: 'paused', text }, ...result.reasons];
  return { verdict: 'continue', reasons, state: looked(look, result), holdBegins: false };
};

/** The judge's verdict as it is. */
const undisturbed = (look: Look, result: LookResult): Decision => {
  const { heldSince } = look.state;
  const reasons: readonly Reason[] = result.reasons;
  if (result.verdict === 'promote')
    return { verdict: 'promote', reasons, state: afterStage(looked(look, result)), holdBegins: false };
  if (result.verdict !== 'hold')
    return { verdict: 'continue', reasons, state: looked(look, result), holdBegins: false };
  const since = heldSince ?? new Date(look.now).toISOString();
  const heldSeconds = (look.now - Date.parse(since)) / 1_000;
  const { holdSeconds } = look.release.plan;
  if (heldSeconds >= holdSeconds) {
    const text = `held since ${since} and nobody decided within ${holdSeconds} s`;
    return restoreAfter('hold-deadline', text, look, result);
  }
  const state = { ...looked(look, result), heldSince: since };
  return { verdict: 'continue', reasons, state, holdBegins: heldSince === undefined };
};
