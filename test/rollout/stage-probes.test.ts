import { describe, expect, it } from 'vitest';
import { decide } from '#rollout/decide-look.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { firstLookState, type Look, lookInput } from '#rollout/look.ts';
import { type LookProbes, type StageProbes, withLook } from '#rollout/stage-probes.ts';
import { type LookState, lookStateSchema } from '#rollout/tasks.ts';
import { aLookAt, alone } from '../builders/look.ts';
import { NOW_MS, planWith } from '../builders/release.ts';

const STAGE = { weightPercent: 100, rounds: 3, roundSeconds: 10 };
const SETTLE = 5;
const up: LookProbes = { probes: { attempts: 3, successes: 3 } };
const down: LookProbes = { probes: { attempts: 3, successes: 0 } };

/** A look `seconds` after the weight was set, which found `probed`; what it is told, and what it leaves. */
const look = (state: LookState, seconds: number, probed: LookProbes) => {
  const now = NOW_MS + seconds * 1_000;
  const window = { from: NOW_MS, to: Math.max(NOW_MS, now - SETTLE * 1_000) };
  const probes = withLook(state.probes, probed, now, window, STAGE, state.judge.lastRound);
  const at: Look = {
    ...aLookAt(STAGE, { plan: planWith(50, 100) }),
    state: { ...state, probes },
    window,
    settleSeconds: SETTLE,
    now,
  };
  const input = lookInput(at);
  const result = judgeLook(input);
  return { input, result, decision: decide(at, alone(result)) };
};

describe('the probes of a stage', () => {
  it('add up over its looks', () => {
    const first = look(firstLookState(), 2, up);
    const second = look(first.decision.state, 4, down);
    expect(first.input.facts.cumulative.probes).toEqual({ attempts: 3, successes: 3 });
    expect(second.input.facts.cumulative.probes).toEqual({ attempts: 6, successes: 3 });
  });

  it('count in the round they were made in, when that round is judged', () => {
    let { decision } = look(firstLookState(), 3, up);
    ({ decision } = look(decision.state, 9, up));
    ({ decision } = look(decision.state, 12, down));
    const { input } = look(decision.state, 15, down);
    expect(input.facts.rounds).toEqual([{ number: 1, probes: { attempts: 6, successes: 6 } }]);
  });

  it('of the stable version do the same', () => {
    const both = { ...down, baselineProbes: { attempts: 3, successes: 2 } };
    const { decision } = look(firstLookState(), 3, both);
    const { input } = look(decision.state, 15, both);
    expect(input.facts.cumulative.baselineProbes).toEqual({ attempts: 6, successes: 4 });
    expect(input.facts.rounds[0]?.baselineProbes).toEqual({ attempts: 3, successes: 2 });
  });

  it('are counted once by a look that is tried again', () => {
    const { decision } = look(firstLookState(), 2, up);
    look(decision.state, 4, down);
    const again = look(decision.state, 4, down);
    expect(again.input.facts.cumulative.probes).toEqual({ attempts: 6, successes: 3 });
    expect(again.decision.state.judge.failedProbeLooksRunning).toBe(1);
  });

  it('roll back a version that answers nobody', () => {
    let { decision } = look(firstLookState(), 1, down);
    expect(decision.verdict).toBe('continue');
    ({ decision } = look(decision.state, 2, down));
    expect(decision.verdict).toBe('restore');
    expect(decision.reasons[0]?.code).toBe('probes-failing');
  });

  it('roll back when all fail in three looks running, however few they are', () => {
    const one: LookProbes = { probes: { attempts: 0.1, successes: 0 } };
    let { decision } = look(firstLookState(), 1, one);
    ({ decision } = look(decision.state, 2, one));
    expect(decision.verdict).toBe('continue');
    ({ decision } = look(decision.state, 3, one));
    expect(decision.verdict).toBe('restore');
    expect(decision.reasons[0]?.code).toBe('probes-down');
  });

  it('do not roll back, nor pass a stage, where they could not be made', () => {
    let { decision } = look(firstLookState(), 1, {});
    for (const seconds of [10, 20, 30, 36]) ({ decision } = look(decision.state, seconds, {}));
    expect(decision.verdict).toBe('continue');
    expect(decision.state.judge.probesSeen).toEqual({ attempts: 0, successes: 0 });
  });

  it('pass the last stage where they succeed, and begin anew with the next', () => {
    let { decision } = look(firstLookState(), 5, up);
    for (const seconds of [15, 25, 36]) ({ decision } = look(decision.state, seconds, up));
    expect(decision.verdict).toBe('promote');
    expect(decision.reasons[0]).toMatchObject({ code: 'stage-passed', facts: { probes: 12 } });
    expect(decision.state.probes).toBeUndefined();
  });

  it('are carried in a form that the workflow may hand on, and stay small', () => {
    let state: StageProbes | undefined;
    for (let seconds = 1; seconds < 100_000; seconds += 10) {
      const settledRounds = Math.floor((seconds - SETTLE) / STAGE.roundSeconds);
      const now = NOW_MS + seconds * 1_000;
      state = withLook(state, up, now, { from: NOW_MS }, STAGE, Math.max(0, settledRounds));
    }
    expect(state?.rounds.length).toBeLessThanOrEqual(2);
    const carried = { ...firstLookState(), probes: state };
    expect(lookStateSchema.parse(JSON.parse(JSON.stringify(carried)))).toEqual(carried);
  });

  it('before the first round count for the stage alone, and go on counting when it is extended', () => {
    const early = withLook(undefined, up, NOW_MS - 1, { from: NOW_MS }, STAGE, 0);
    expect(early).toEqual({ stage: up, rounds: [] });
    const late = withLook(early, up, NOW_MS + 30_000, { from: NOW_MS }, STAGE, 0);
    expect(late.rounds).toEqual([{ number: 4, ...up }]);
  });
});
