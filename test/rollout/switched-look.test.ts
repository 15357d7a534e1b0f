import { describe, expect, it } from 'vitest';
import type { KillSwitch } from '#policy/kill-switches.ts';
import type { Release } from '#releases/release.ts';
import { decide } from '#rollout/decide-look.ts';
import type { Decision } from '#rollout/decision.ts';
import { NO_HOOKS } from '#rollout/hooks.ts';
import type { LookResult, Verdict } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { firstLookState, type Look, lookInput } from '#rollout/look.ts';
import { lookRecords } from '#rollout/look-records.ts';
import { judgedRelease, shownProgress, underSwitches } from '#rollout/switched-look.ts';
import { aLookAt, alone, aStep } from '../builders/look.ts';
import { ann, aRelease, NOW, NOW_MS, planWith } from '../builders/release.ts';

const seconds = (number: number) => number * 1_000;
const at = (number: number) => new Date(NOW_MS + seconds(number)).toISOString();
const stage = { weightPercent: 50, rounds: 3, roundSeconds: 20 };
const final = { ...stage, weightPercent: 100 };
const plan = { ...planWith(50, 100), stages: [stage, final], holdSeconds: 60, pauseSeconds: 120 };

const aLook = (
  off: readonly KillSwitch[],
  overrides: Partial<Look> = {},
  release: Partial<Release> = {},
): Look => aLookAt(stage, { plan, ...release }, { off, now: NOW_MS + seconds(30), ...overrides });

const saw = (verdict: Verdict, overrides: Partial<LookResult> = {}): LookResult => ({
  verdict,
  evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
  rounds: [],
  reasons: [{ code: 'rounds-open', text: '1 of 3 rounds judged', facts: {} }],
  state: { ...initialStageState(), lastRound: 1 },
  ...overrides,
});
const breach = saw('rollback', { reasons: [{ code: 'evidence', text: 'errors', facts: {} }], score: 20 });

const ruled = (look: Look, result: LookResult, from: 'read' | 'last-known' | 'built-in' = 'read'): Decision =>
  underSwitches(look, alone(result), decide(look, alone(result)), from);

const codes = ({ reasons }: Decision): readonly string[] => reasons.map(({ code }) => code);

describe('with every switch on', () => {
  it.each(['continue', 'extend', 'hold', 'promote', 'rollback'] as const)('%s is what it is', (verdict) => {
    const look = aLook([]);
    expect(ruled(look, saw(verdict))).toEqual(decide(look, alone(saw(verdict))));
  });
});

describe('autoRollback off', () => {
  const off = ['autoRollback'] as const;

  it('holds a breach where it is, says why and what it was, and looks on', () => {
    const decision = ruled(aLook(off), breach);
    expect(decision).toMatchObject({ verdict: 'continue', holdBegins: true });
    expect(codes(decision)).toEqual(['auto-rollback-off', 'evidence']);
    expect(decision.state).toMatchObject({ looks: 1, unrestoredSince: at(30) });
  });

  it('is recorded as a hold once, with the switch named', () => {
    const look = aLook(off);
    const decision = ruled(look, breach);
    const [record] = lookRecords(look, alone(breach), decision);
    expect(record).toMatchObject({
      event: { type: 'release.stage.held' },
      data: { switchesOff: ['autoRollback'], reasons: [{ code: 'auto-rollback-off' }, { code: 'evidence' }] },
    });
    const next = aLook(off, { state: decision.state, now: NOW_MS + seconds(40) });
    const again = ruled(next, breach);
    expect(again).toMatchObject({ holdBegins: false, state: { unrestoredSince: at(30) } });
    expect(lookRecords(next, alone(breach), again)).toEqual([]);
  });

  it('shows as a hold', () => {
    const look = aLook(off);
    expect(shownProgress(look, alone(breach), ruled(look, breach))).toMatchObject({
      verdict: 'hold',
      reasons: [{ code: 'auto-rollback-off' }, { code: 'evidence' }],
    });
  });

  it('restores at the first look that finds it on again', () => {
    const { state } = ruled(aLook(off), breach);
    expect(ruled(aLook([], { state }), breach)).toMatchObject({ verdict: 'restore' });
  });

  it('forgets a breach that is none any more', () => {
    const { state } = ruled(aLook(off), breach);
    const decision = ruled(aLook(off, { state }), saw('continue'));
    expect(decision.state.unrestoredSince).toBeUndefined();
    expect(decision.verdict).toBe('continue');
  });

  it("is no promotion on anyone's wish while there is a breach", () => {
    const promotionWish = { by: ann, reason: 'go', at: NOW, step: 0 };
    expect(ruled(aLook(off, {}, { promotionWish }), breach).verdict).toBe('continue');
  });

  it('outlasts the deadline of a hold: nothing is restored because nobody came', () => {
    const state = { ...firstLookState(), heldSince: NOW };
    const decision = ruled(aLook(off, { state, now: NOW_MS + seconds(61) }), saw('hold'));
    expect(decision).toMatchObject({
      verdict: 'continue',
      holdBegins: true,
      state: { heldSince: NOW, unrestoredSince: at(61) },
    });
    expect(codes(decision).slice(0, 2)).toEqual(['auto-rollback-off', 'hold-deadline']);
    const later = aLook([], { state: decision.state, now: NOW_MS + seconds(70) });
    expect(ruled(later, saw('hold')).verdict).toBe('restore');
  });

  it('outlasts the deadline of a pause', () => {
    const paused = { by: ann, reason: 'wait', at: NOW };
    const decision = ruled(aLook(off, { now: NOW_MS + seconds(121) }, { paused }), saw('continue'));
    expect(codes(decision).slice(0, 2)).toEqual(['auto-rollback-off', 'pause-deadline']);
    expect(decision.verdict).toBe('continue');
  });

  it('restores a drill all the same', () => {
    expect(ruled(aLook(off, {}, { strategy: 'drill' }), breach).verdict).toBe('restore');
  });

  it('keeps nothing good from being promoted', () => {
    expect(ruled(aLook(off), saw('promote')).verdict).toBe('promote');
  });
});

describe('prodValidation off', () => {
  const off = ['prodValidation'] as const;
  const last = { step: aStep(final, { index: 1, stage: 1 }) };

  it('passes the last stage at its first look, and says that it was skipped', () => {
    const look = aLook(off, last);
    const decision = ruled(look, saw('continue'));
    expect(decision).toMatchObject({ verdict: 'promote', state: { looks: 0 } });
    expect(codes(decision)[0]).toBe('prod-validation-off');
    expect(lookRecords(look, alone(saw('continue')), decision)).toMatchObject([
      { event: { type: 'release.stage.promoted' }, data: { switchesOff: ['prodValidation'] } },
    ]);
  });

  it('restores what breaches there all the same', () => {
    expect(ruled(aLook(off, last), breach).verdict).toBe('restore');
  });

  it.each([
    ['an earlier stage', { step: aStep(stage) }],
    ['the only stage, which nothing was judged before', { step: aStep(final) }],
    ['a watch', { step: aStep(final, { index: 2, stage: 1, kind: 'watch' as const }) }],
    ['a bake', { step: aStep(final, { index: 2, stage: 1, kind: 'bake' as const }) }],
  ])('skips nothing of %s', (_, overrides) => {
    expect(ruled(aLook(off, overrides), saw('continue')).verdict).toBe('continue');
  });

  it('waits while the release is paused', () => {
    const paused = { by: ann, reason: 'wait', at: NOW };
    expect(ruled(aLook(off, last, { paused }), saw('continue')).verdict).toBe('continue');
  });

  it.each<[string, Partial<Look>]>([
    ['a guard that nobody hears', { guards: { alarms: [], unknown: ['slow'] } }],
    ['a hook', { hooks: { ...NO_HOOKS, pending: ['smoke'] } }],
  ])('waits for %s', (_, overrides) => {
    expect(ruled(aLook(off, { ...last, ...overrides }), saw('continue')).verdict).toBe('continue');
  });

  it('does not pass a breach that is held', () => {
    expect(ruled(aLook([...off, 'autoRollback'], last), breach).verdict).toBe('continue');
  });
});

describe('canaryMetrics off', () => {
  it('judges by probes alone, and says so with every decision', () => {
    const release = aRelease();
    expect(judgedRelease(release, [])).toBe(release);
    const judged = judgedRelease(release, ['canaryMetrics']);
    const look = aLook(['canaryMetrics'], {}, { judge: judged.judge });
    expect(lookInput(look).policy.measures).toBe('probes-only');
    expect(codes(ruled(look, saw('promote')))).toContain('canary-metrics-off');
  });
});

describe('rollbackAutomation off', () => {
  it('is told by a release that has guards, which are not asked', () => {
    const off = ['rollbackAutomation'] as const;
    const guarded = aLook(off, {}, { guardAlarms: ['slow'] });
    expect(codes(ruled(guarded, saw('promote')))).toContain('rollback-automation-off');
    expect(codes(ruled(aLook(off), saw('promote')))).not.toContain('rollback-automation-off');
  });
});

describe('canaryMonitoring off', () => {
  it('shows where the release is and nothing of the look, and judges on', () => {
    const shown = (off: readonly KillSwitch[]) => {
      const look = aLook(off);
      return shownProgress(look, alone(breach), ruled(look, breach));
    };
    expect(shown([])).toMatchObject({ score: 20, lookedAt: at(30), verdict: 'restore' });
    expect(shown(['canaryMonitoring'])).toEqual({
      step: 0,
      steps: 2,
      kind: 'stage',
      wave: 0,
      stage: 0,
      stages: 2,
      weightPercent: 50,
      lookedAt: at(30),
    });
    expect(ruled(aLook(['canaryMonitoring']), breach).verdict).toBe('restore');
  });
});

describe('switches that could not be read', () => {
  it.each(['last-known', 'built-in'] as const)('are told of: %s', (from) => {
    expect(ruled(aLook([]), saw('continue'), from).reasons.at(-1)).toMatchObject({ code: 'switches-unread' });
  });
});
