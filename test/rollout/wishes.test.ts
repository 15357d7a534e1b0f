import { describe, expect, it } from 'vitest';
import type { Release } from '#releases/release.ts';
import { decide } from '#rollout/decide-look.ts';
import type { Verdict } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { firstLookState, type Judged, type Look } from '#rollout/look.ts';
import { aLookAt, alone } from '../builders/look.ts';
import { ann, NOW, NOW_MS, planWith, progressAt } from '../builders/release.ts';

const aLook = (release: Partial<Release>, overrides: Partial<Look> = {}): Look => {
  const plan = { ...planWith(25, 100), holdSeconds: 60, pauseSeconds: 600 };
  const [stage] = plan.stages;
  if (stage === undefined) throw new Error('the plan has stages');
  return aLookAt(stage, { plan, ...release }, { state: { ...firstLookState(), looks: 3 }, ...overrides });
};

const saw = (verdict: Verdict, score?: number): Judged =>
  alone({
    verdict,
    ...(score !== undefined && { score }),
    evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
    rounds: [],
    reasons: [],
    state: initialStageState(),
  });

const paused = { by: ann, reason: 'lunch', at: NOW };
const wish = { by: ann, reason: 'seen enough', at: NOW, step: 0 };

describe('a pause', () => {
  it.each(['promote', 'continue', 'extend', 'hold'] as const)(
    'lets no stage pass, whatever the judge says: %s',
    (verdict) => {
      const decision = decide(aLook({ paused }), saw(verdict, 99));
      expect(decision.verdict).toBe('continue');
      expect(decision.reasons[0]).toMatchObject({ code: 'paused', text: expect.stringContaining('lunch') });
    },
  );

  it('does not keep a breach from being restored', () => {
    expect(decide(aLook({ paused }), saw('rollback', 10)).verdict).toBe('restore');
  });

  it('ends in a restore at its deadline, and not before', () => {
    const at = (seconds: number) =>
      decide(aLook({ paused }, { now: NOW_MS + seconds * 1_000 }), saw('continue', 99));
    expect(at(599).verdict).toBe('continue');
    expect(at(600)).toMatchObject({ verdict: 'restore', reasons: [{ code: 'pause-deadline' }] });
  });
});

describe('a hold that is paused', () => {
  const held = (seconds: number, lookedSecondsAgo?: number) => {
    const now = NOW_MS + seconds * 1_000;
    const lookedAt = lookedSecondsAgo && new Date(now - lookedSecondsAgo * 1_000).toISOString();
    const progress = { ...progressAt(0, 25), ...(lookedAt && { lookedAt }) };
    const look = aLook({ paused, progress }, { now });
    const heldSince = new Date(NOW_MS - 40_000).toISOString();
    return { ...look, state: { ...look.state, heldSince } };
  };
  const heldFor = (look: Look): number => {
    const { state } = decide(look, saw('hold'));
    return (look.now - Date.parse(state.heldSince ?? '')) / 1_000;
  };

  it('goes on where it stood: a pause neither ends it nor begins it anew', () => {
    // Held for 40 s when it was paused, at most so long whenever it is looked at.
    expect(heldFor(held(10))).toBe(40);
    expect(heldFor(held(300))).toBe(40);
  });

  it('counts what passes from look to look, not twice', () => {
    expect(heldFor(held(10, 10))).toBe(40);
    // The look before, 4 s ago, has moved the clock already.
    const look = held(10, 4);
    expect(heldFor(look)).toBe((look.now - Date.parse(look.state.heldSince ?? '')) / 1_000 - 4);
  });
});

describe('a wished promotion', () => {
  it.each(['continue', 'extend', 'hold', 'promote'] as const)('passes the stage at once: %s', (verdict) => {
    const decision = decide(aLook({ promotionWish: wish }), saw(verdict, 99));
    expect(decision.verdict).toBe('promote');
    expect(decision.reasons[0]).toMatchObject({
      code: 'operator-promote',
      text: 'promoted by ann: seen enough',
    });
    expect(decision.state.looks).toBe(0);
  });

  it('passes a paused stage, because a person asked for just that', () => {
    expect(decide(aLook({ paused, promotionWish: wish }), saw('continue', 99)).verdict).toBe('promote');
  });

  it('never promotes on silence', () => {
    expect(decide(aLook({ promotionWish: wish }), saw('extend')).verdict).toBe('continue');
  });

  it('does not overrule a breach', () => {
    expect(decide(aLook({ promotionWish: wish }), saw('rollback', 10)).verdict).toBe('restore');
  });

  it('for another stage does nothing', () => {
    const other = { ...wish, step: 1 };
    expect(decide(aLook({ promotionWish: other }), saw('continue', 99)).verdict).toBe('continue');
  });
});

describe('a hold', () => {
  it('begins once, goes on looking, and ends in a restore when nobody comes', () => {
    const first = decide(aLook({}), saw('hold', 90));
    expect(first).toMatchObject({ verdict: 'continue', holdBegins: true });
    const later = (seconds: number) =>
      decide(aLook({}, { state: first.state, now: NOW_MS + seconds * 1_000 }), saw('hold', 90));
    expect(later(59)).toMatchObject({ verdict: 'continue', holdBegins: false });
    expect(later(60)).toMatchObject({ verdict: 'restore', reasons: [{ code: 'hold-deadline' }] });
  });

  it('ends by itself when the data come', () => {
    const { state } = decide(aLook({}), saw('hold', 90));
    expect(decide(aLook({}, { state }), saw('promote', 99)).verdict).toBe('promote');
  });
});
