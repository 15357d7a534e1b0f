import { describe, expect, it } from 'vitest';
import { type RecoveryFacts, recoveryOf } from '#releases/recovery.ts';
import type { Release } from '#releases/release.ts';
import { aRelease, NOW, NOW_MS } from '../builders/release.ts';

const facts = (overrides: Partial<RecoveryFacts> = {}): RecoveryFacts => ({
  release: 'absent',
  recovery: 'absent',
  now: new Date(NOW_MS + 60_000),
  startGraceSeconds: 60,
  ...overrides,
});
const at = (seconds: number) => ({ now: new Date(NOW_MS + seconds * 1_000) });
const restoring: Partial<Release> = { mode: 'restoring', fence: 2 };
const decided: Partial<Release> = { mode: 'done', outcome: 'promoted' };

describe('what an open release needs', () => {
  it.each<[string, Partial<Release>, Partial<RecoveryFacts>, string]>([
    ['its workflow runs', {}, { release: 'running' }, 'nothing'],
    ['its workflow runs, however long', {}, { release: 'running', ...at(1_000_000) }, 'nothing'],
    ['its recovery runs', {}, { release: 'ended', recovery: 'running' }, 'nothing'],
    ['its workflow is gone', {}, { release: 'ended' }, 'restore-and-conclude'],
    ['its workflow is gone while it restored', restoring, { release: 'ended' }, 'restore-and-conclude'],
    ['its workflow is gone before it closed', decided, { release: 'ended' }, 'restore-and-conclude'],
    ['its recovery is gone too', restoring, { release: 'ended', recovery: 'ended' }, 'restore-and-conclude'],
    ['it never started, a moment ago', {}, at(59), 'nothing'],
    ['it never started and the door had its time', {}, at(60), 'launch'],
    ['it was stopped before it started', restoring, at(0), 'restore-and-conclude'],
    ['it is concluded', { ...decided, concludedAt: NOW }, { release: 'ended' }, 'nothing'],
  ])('when %s', (_when, release, overrides, need) => {
    expect(recoveryOf(aRelease(release), facts(overrides))).toBe(need);
  });
});
