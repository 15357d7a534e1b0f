import { type Stage, stageDeadlineSeconds } from '#policy/plan.ts';
import type { Reason, Release } from '#releases/release.ts';
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
import type { LookState } from '#rollout/tasks.ts';

export interface Look {
  readonly release: Release;
  readonly stageIndex: number;
  readonly stage: Stage;
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

/** Seconds from now to the stage's deadline; negative once it has passed. */
const secondsToDeadline = (look: Look): number =>
  (look.shiftedAt - look.now) / 1_000 +
  stageDeadlineSeconds(look.release.plan, look.stage, look.settleSeconds);

/** The judge's input: the same facts, in the form that the offline judge takes too. */
export const lookInput = (look: Look): LookInput => {
  const { stage, window, periods, state } = look;
  const settled = roundsSettled(window, stage);
  const fresh = Array.from({ length: Math.max(0, settled - state.judge.lastRound) }, (_, offset) => {
    const number = state.judge.lastRound + offset + 1;
    return { number, ...roundFacts(periods, window, stage.roundSeconds, number) };
  });
  const history = look.release.snapshot?.history;
  return {
    policy: look.release.judge,
    stage: { index: look.stageIndex, ...stage, final: stage.weightPercent === 100 },
    facts: {
      judgedSeconds: judgedSeconds(window),
      cumulative: cumulativeFacts(periods, window),
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
 * What the workflow does about the judge's verdict. A hold waits for people, with looks going on, and ends in a
 * restore at its deadline: nothing stays on a canary because nobody came.
 */
export const decide = (look: Look, result: LookResult): Decision => {
  const { heldSince } = look.state;
  const looked = { judge: result.state, looks: look.state.looks + 1 };
  const reasons: readonly Reason[] = result.reasons;
  switch (result.verdict) {
    case 'promote':
      return { verdict: 'promote', reasons, state: afterStage(looked), holdBegins: false };
    case 'rollback':
      return { verdict: 'restore', reasons, state: looked, holdBegins: false };
    case 'continue':
    case 'extend':
      return { verdict: 'continue', reasons, state: looked, holdBegins: false };
    case 'hold': {
      const since = heldSince ?? new Date(look.now).toISOString();
      const heldSeconds = (look.now - Date.parse(since)) / 1_000;
      const state = { ...looked, heldSince: since };
      if (heldSeconds < look.release.plan.holdSeconds)
        return { verdict: 'continue', reasons, state, holdBegins: heldSince === undefined };
      const text = `held since ${since} and nobody decided within ${look.release.plan.holdSeconds} s`;
      return {
        verdict: 'restore',
        reasons: [{ code: 'hold-deadline', text, facts: { heldSince: since } }, ...reasons],
        state,
        holdBegins: false,
      };
    }
  }
};
