import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_RECORDS_MAX } from '#ledger/batch.ts';
import { progressSchema, type Release } from '#releases/release.ts';
import { decide } from '#rollout/decide-look.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import type { LookResult, Verdict } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { afterStep, firstLookState, type Look, lookInput } from '#rollout/look.ts';
import { lookProgress, lookRecords } from '#rollout/look-records.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { settledWindow } from '#rollout/stage-clock.ts';
import { rolloutTasks } from '#rollout/tasks.ts';
import { aLookAt, alone, aStep } from '../builders/look.ts';
import { aSnapshot, aWave, NOW, NOW_MS, planWith } from '../builders/release.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';

const seconds = (number: number) => number * 1_000;
const stage = { weightPercent: 50, rounds: 3, roundSeconds: 20 };
const plan = { ...planWith(50, 100), stages: [stage, { ...stage, weightPercent: 100 }], holdSeconds: 60 };

/** What each arm served in a period of ten seconds. */
const served = (index: number, errors = 0, requests = 100): PeriodFacts => ({
  start: NOW_MS + seconds(10 * index),
  facts: { canary: { requests, errors }, baseline: { requests, errors: 0 } },
});
const periods = (count: number, errors = 0) =>
  Array.from({ length: count }, (_, index) => served(index, errors));

/** A look `after` seconds into the first stage, at data of ten-second periods that settles at once. */
const aLook = (after: number, overrides: Partial<Look> = {}, release: Partial<Release> = {}): Look => {
  const now = NOW_MS + seconds(after);
  const window = settledWindow(NOW_MS, now, 10, 0);
  return aLookAt(stage, { plan, ...release }, { window, now, ...overrides });
};

const saw = (verdict: Verdict, overrides: Partial<LookResult> = {}): LookResult => ({
  verdict,
  evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
  rounds: [],
  reasons: [{ code: 'rounds-open', text: '1 of 3 rounds judged', facts: {} }],
  state: { ...initialStageState(), lastRound: 1, carriedEvidence: { 'errors-relative': 1 } },
  ...overrides,
});

describe('what a look shows the judge', () => {
  it('is the stage so far and the rounds completed since the last look', () => {
    const look = aLook(45, { periods: periods(4) });
    const { facts, stage: judged } = lookInput(look);
    expect(judged).toEqual({ index: 0, ...stage, final: false });
    expect(facts.judgedSeconds).toBe(40);
    expect(facts.cumulative.canary?.requests).toBe(400);
    expect(facts.rounds.map(({ number, canary }) => [number, canary?.requests])).toEqual([
      [1, 200],
      [2, 200],
    ]);
    const state = { judge: { ...initialStageState(), lastRound: 1 }, looks: 4, earlier: [] };
    expect(lookInput({ ...look, state }).facts.rounds.map(({ number }) => number)).toEqual([2]);
  });

  it('has no round that was judged before, and none that is not over', () => {
    const state = { judge: { ...initialStageState(), lastRound: 3 }, looks: 9, earlier: [] };
    expect(lookInput(aLook(79, { state, periods: periods(7) })).facts.rounds).toEqual([]);
    expect(lookInput(aLook(19, { periods: periods(1) })).facts.rounds).toEqual([]);
  });

  it("has further rounds when the plan's are over and the stage is not", () => {
    const state = { judge: { ...initialStageState(), lastRound: 3 }, looks: 9, earlier: [] };
    const { rounds } = lookInput(aLook(100, { state, periods: periods(10) })).facts;
    expect(rounds.map(({ number }) => number)).toEqual([4, 5]);
  });

  it('is final at all of the traffic, where there is nothing left to compare with', () => {
    const final = { ...stage, weightPercent: 100 };
    expect(lookInput(aLook(0, { step: aStep(final, { index: 1 }) })).stage.final).toBe(true);
  });

  it('has the history of the snapshot', () => {
    const history = { counts: { requests: 1_000, errors: 3 } };
    const wave = { ...aWave(), snapshot: aSnapshot({ history }) };
    expect(lookInput(aLook(10, { wave })).facts.history).toEqual(history);
  });

  it('is what settles late of the step before as well, for its evidence', () => {
    const late = { settleSeconds: 30, state: firstLookState() };
    const window = { from: NOW_MS, to: NOW_MS + seconds(60) };
    const all = [...periods(6), served(6, 20), served(7, 20), served(8, 20)];
    const passed = decide(aLook(99, { ...late, window, periods: periods(6) }), alone(saw('promote')));
    expect(passed.state.tail).toMatchObject({ from: NOW_MS + seconds(60), to: NOW_MS + seconds(90) });

    const next = aStep({ ...stage, weightPercent: 100 }, { index: 1 });
    const shifted = { from: NOW_MS + seconds(110), to: NOW_MS + seconds(110) };
    const at = (after: number) =>
      aLook(after, { ...late, step: next, state: passed.state, window: shifted, periods: all });
    expect(lookInput(at(95)).facts).not.toHaveProperty('before');
    expect(lookInput(at(105)).facts.before?.canary).toEqual({ requests: 700, errors: 20 });
    expect(lookInput(at(125)).facts.before?.canary).toEqual({ requests: 900, errors: 60 });
    expect(lookInput(at(125)).facts.cumulative).toEqual({});

    const judged = judgeLook(lookInput(at(125)));
    expect(judged.verdict).toBe('rollback');
    expect(judged.reasons[0]?.text).toMatch(
      /^rolled back: 60 of 60 errors on 50 % of traffic, .* in the stage before/,
    );
    const tailAfter = (look: Look) => decide(look, alone(saw('continue'))).state.tail;
    expect(tailAfter({ ...at(125), periods: [] })).toEqual(passed.state.tail);
    const known = { ...at(150), periods: [], state: { ...passed.state, tail: tailAfter(at(125)) } };
    expect(lookInput(known).facts.before?.canary).toEqual({ requests: 900, errors: 60 });
  });

  it.each([
    [3 * 60 + 600 - 1, 'open'],
    [3 * 60 + 600, 'passed'],
  ])("says %s s after the shift that the stage's deadline is %s", (after, deadline) => {
    expect(lookInput(aLook(after)).deadline).toBe(deadline);
  });

  it('is never more than one batch of the ledger can tell, and the rest comes at the next look', async () => {
    const long = { weightPercent: 50, rounds: 1_000, roundSeconds: 1 };
    const failing = Array.from({ length: 900 }, (_, index) => ({
      ...served(0, 50),
      start: NOW_MS + seconds(index),
    }));
    const judged = new Set<number>();
    let state = firstLookState();
    for (let number = 0; number < 20; number += 1) {
      const window = { from: NOW_MS, to: NOW_MS + seconds(900) };
      const look = aLook(900, { step: aStep(long), periods: failing, window, state });
      const input = lookInput(look);
      const result = judgeLook(input);
      const records = lookRecords(look, alone(result), decide(look, alone(result)));
      expect(records.length).toBeLessThanOrEqual(BATCH_RECORDS_MAX);
      if (number === 0) expect(await memoryLedger().append('look', records)).toHaveLength(records.length);
      for (const round of result.rounds) judged.add(round.number);
      state = { ...state, judge: result.state, looks: state.looks + 1 };
    }
    expect(judged.size).toBe(900);
  });
});

describe('what the workflow does about a verdict', () => {
  it.each(['continue', 'extend'] as const)('is to look again at %s, with what was learned', (verdict) => {
    const decision = decide(aLook(30), alone(saw(verdict)));
    expect(decision).toMatchObject({ verdict: 'continue', holdBegins: false });
    expect(decision.state).toEqual({ judge: saw(verdict).state, looks: 1, earlier: [] });
  });

  it('is to promote with the evidence carried on, and everything else begun anew', () => {
    const { verdict, state } = decide(aLook(30), alone(saw('promote')));
    expect(verdict).toBe('promote');
    expect(state).toEqual(
      afterStep({ judge: saw('promote').state, looks: 1, earlier: [] }, aStep(stage), []),
    );
    expect(state.looks).toBe(0);
    expect(state.judge).toMatchObject({ lastRound: 0, carriedEvidence: { 'errors-relative': 1 } });
  });

  it('is to restore at a rollback, with the reasons', () => {
    const reasons: LookResult['reasons'] = [{ code: 'evidence', text: '20 of 60 errors', facts: {} }];
    expect(decide(aLook(30), alone(saw('rollback', { reasons })))).toMatchObject({
      verdict: 'restore',
      reasons,
    });
  });

  it('is to hold with looks going on, and to restore when nobody decided in time', () => {
    const first = decide(aLook(30), alone(saw('hold')));
    const since = new Date(NOW_MS + seconds(30)).toISOString();
    expect(first).toMatchObject({ verdict: 'continue', holdBegins: true, state: { heldSince: since } });

    const still = decide(aLook(30 + 59, { state: first.state }), alone(saw('hold')));
    expect(still).toMatchObject({ verdict: 'continue', holdBegins: false, state: { heldSince: since } });

    const over = decide(aLook(30 + 60, { state: still.state }), alone(saw('hold')));
    expect(over.verdict).toBe('restore');
    expect(over.reasons.map(({ code }) => code)).toEqual(['hold-deadline', 'rounds-open']);
    expect(over.reasons[0]?.text).toContain(since);
  });

  it('is to go on from a hold when the judge sees enough', () => {
    const held = decide(aLook(30), alone(saw('hold'))).state;
    expect(decide(aLook(40, { state: held }), alone(saw('promote')))).toMatchObject({ verdict: 'promote' });
    expect(decide(aLook(40, { state: held }), alone(saw('rollback')))).toMatchObject({ verdict: 'restore' });
  });
});

describe('what a look leaves behind', () => {
  it('can be kept and handed on, whatever the judge had to say', () => {
    const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    const text = fc.tuple(words, fc.integer({ min: 1, max: 400 })).map(([word, times]) => word.repeat(times));
    const verdicts = fc.constantFrom<Verdict>('continue', 'promote', 'rollback', 'hold', 'extend');
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), verdicts, (texts, verdict) => {
        const reasons = texts.map((one) => ({ code: 'failed-rounds' as const, text: one, facts: {} }));
        const look = aLook(30);
        const result = saw(verdict, { reasons });
        const decision = decide(look, alone(result));
        expect(progressSchema.safeParse(lookProgress(look, alone(result), decision)).error).toBeUndefined();
        const output = {
          verdict: decision.verdict,
          waitSeconds: 10,
          looks: 1,
          state: decision.state,
          reasons: [...decision.reasons],
        };
        expect(rolloutTasks.JudgeHealth.output.safeParse(output).error).toBeUndefined();
      }),
    );
  });

  it('tells each round once, and what was decided', () => {
    const look = aLook(45, { periods: periods(4) });
    const result = judgeLook(lookInput(look));
    const types = (verdict: Verdict) => {
      const said = { ...result, verdict };
      return lookRecords(look, alone(said), decide(look, alone(said))).map(({ event }) => event.type);
    };
    const rounds = ['release.round.judged', 'release.round.judged'];
    expect(types('continue')).toEqual(rounds);
    expect(types('promote')).toEqual([...rounds, 'release.stage.promoted']);
    expect(types('rollback')).toEqual([...rounds, 'release.look.decided']);
    expect(types('hold')).toEqual([...rounds, 'release.stage.held']);
  });

  it('shows people where the release stands', () => {
    const look = aLook(45, { periods: periods(4) });
    const result = judgeLook(lookInput(look));
    expect(lookProgress(look, alone(result), decide(look, alone(result)))).toMatchObject({
      stage: 0,
      stages: 2,
      weightPercent: 50,
      round: 2,
      rounds: 3,
      score: 100,
      verdict: 'continue',
      lookedAt: new Date(Date.parse(NOW) + seconds(45)).toISOString(),
    });
  });
});
