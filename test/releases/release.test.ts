import { describe, expect, it } from 'vitest';
import { phaseOf, type Release, releaseSchema, restoredOutcome } from '#releases/release.ts';
import { aRelease, NOW, progressAt } from '../builders/release.ts';

const moved = progressAt(0, 5);

describe('the phase of a release', () => {
  it.each<[string, Partial<Release>]>([
    ['accepted', {}],
    ['running', { startedAt: NOW }],
    ['restoring', { mode: 'restoring', fence: 2 }],
    ['restoring', { mode: 'restoring', fence: 2, startedAt: NOW, outcome: 'rolled-back' }],
    ['concluding', { mode: 'done', outcome: 'promoted' }],
    ['promoted', { mode: 'done', outcome: 'promoted', concludedAt: NOW }],
    ['rolled-back', { mode: 'done', outcome: 'rolled-back', concludedAt: NOW }],
    ['aborted', { mode: 'done', outcome: 'aborted', concludedAt: NOW }],
    ['refused', { mode: 'done', outcome: 'refused', concludedAt: NOW }],
    ['completed', { mode: 'done', outcome: 'completed', concludedAt: NOW }],
  ])('is %s', (phase, overrides) => {
    expect(phaseOf(aRelease(overrides))).toBe(phase);
  });
});

describe('a restored release', () => {
  const because = (code: string) => ({ restoreCause: [{ code, text: 'because' }] });
  it.each<[string, string, Partial<Release>]>([
    ['rolled-back', 'a weight was recorded', { progress: moved, ...because('evidence') }],
    [
      'rolled-back',
      'a weight was recorded, whatever was refused later',
      { progress: moved, ...because('refused') },
    ],
    ['completed', 'its experiment was over', { progress: moved, ...because('experiment-over') }],
    ['refused', 'the target or a rule said no first', because('refused')],
    ['aborted', 'it was stopped first', because('operator-abort')],
    ['aborted', 'nobody knows why', {}],
  ])('ends %s when %s', (outcome, _when, overrides) => {
    expect(restoredOutcome(aRelease({ mode: 'restoring', fence: 2, ...overrides }))).toBe(outcome);
  });
});

describe('a stored release', () => {
  it('has no unknown members and no fence below one: what is read decides about traffic', () => {
    expect(releaseSchema.safeParse(aRelease()).success).toBe(true);
    expect(releaseSchema.safeParse({ ...aRelease(), weight: 5 }).success).toBe(false);
    expect(releaseSchema.safeParse(aRelease({ fence: 0 })).success).toBe(false);
    expect(releaseSchema.safeParse({ ...aRelease(), mode: 'paused' }).success).toBe(false);
  });
});
