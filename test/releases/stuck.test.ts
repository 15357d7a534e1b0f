import { describe, expect, it } from 'vitest';
import { hookDefinitionSchema } from '#policy/hook-schema.ts';
import type { Release } from '#releases/release.ts';
import { stuckReason } from '#releases/stuck.ts';
import { experimentPlan } from '../builders/experiment.ts';
import { aRelease, aWave, NOW, NOW_MS, planWith, progressAt } from '../builders/release.ts';

const stuckAfter = (seconds: number, overrides: Partial<Release> = {}) =>
  stuckReason(aRelease({ startedAt: NOW, ...overrides }), NOW_MS + seconds * 1_000)?.code;

const looked = { ...progressAt(0, 50), lookedAt: NOW };
const plan = { ...planWith(50, 100), stageDeadlineSeconds: 1_000, holdSeconds: 100, pauseSeconds: 100 };

describe('a release is stuck', () => {
  it('when its looks have stopped for ten minutes', () => {
    expect(stuckAfter(600, { progress: looked })).toBeUndefined();
    expect(stuckAfter(601, { progress: looked })).toBe('looks-stopped');
  });

  it('later, and after its horizon only, when it is an experiment', () => {
    const experiment = {
      strategy: 'experiment',
      plan: { ...experimentPlan(), holdSeconds: 100, pauseSeconds: 100 },
    } as const;
    const progress = { ...looked, kind: 'experiment' } as const;
    expect(stuckAfter(840, { ...experiment, progress })).toBeUndefined();
    expect(stuckAfter(841, { ...experiment, progress })).toBe('looks-stopped');
    expect(stuckAfter(14 * 86_400, experiment)).toBeUndefined();
    expect(stuckAfter(15 * 86_400, experiment)).toBe('open-too-long');
  });

  it('later, where the metrics come so rarely that looks do too', () => {
    const slow = aWave({ metrics: { ...aWave().metrics, periodSeconds: 300 } });
    expect(stuckAfter(840, { progress: looked, waves: [slow] })).toBeUndefined();
    expect(
      stuckReason(aRelease({ startedAt: NOW, progress: looked, waves: [slow] }), NOW_MS + 841_000),
    ).toMatchObject({
      code: 'looks-stopped',
      facts: { silentSeconds: 841, intervalSeconds: 300 },
    });
  });

  it('when it is open for longer than all its deadlines together', () => {
    expect(stuckAfter(2_200, { plan })).toBeUndefined();
    expect(stuckAfter(2_201, { plan })).toBe('open-too-long');
    expect(stuckAfter(2_201, { plan, mode: 'restoring' })).toBe('open-too-long');
  });

  it('for longer, where looks are so rare that deadlines are noticed later', () => {
    const waves = [aWave({ metrics: { ...aWave().metrics, periodSeconds: 300 } })];
    expect(stuckAfter(2_200 + 4 * 240, { plan, waves })).toBeUndefined();
    expect(stuckAfter(2_201 + 4 * 240, { plan, waves })).toBe('open-too-long');
  });

  it('also when it ends by none of its deadlines after its promotion, its hooks included', () => {
    const promoted = { plan, progress: looked, verified: { at: 'new', fence: 1, time: NOW } } as const;
    const hooks = ['before-traffic', 'after-promotion'].map((at) =>
      hookDefinitionSchema.parse({
        name: at,
        at,
        call: { kind: 'lambda', functionName: 'drain', alias: 'live' },
        timeoutSeconds: 3_600,
      }),
    );
    expect(stuckAfter(2_201, promoted)).toBe('open-too-long');
    expect(stuckAfter(9_400, { ...promoted, hooks })).toBeUndefined();
    expect(stuckAfter(9_401, { ...promoted, hooks })).toBe('open-too-long');
  });

  it('without steps, only when what it brings back can no longer be on its way', () => {
    const back = { plan: { ...plan, stages: [], watchSeconds: 0 }, strategy: 'rollback' as const };
    expect(stuckAfter(2_000, back)).toBeUndefined();
    expect(stuckAfter(2_001, back)).toBe('open-too-long');
  });

  it.each<[string, Partial<Release>]>([
    ['nothing was looked at yet', {}],
    ['no look is shown', { progress: progressAt(0, 50) }],
    [
      'hooks are waited for after its promotion, and nobody looks',
      { progress: looked, verified: { at: 'new', fence: 1, time: NOW } },
    ],
    ['it is being restored', { progress: looked, mode: 'restoring' }],
  ])('and not while %s', (_, overrides) => {
    expect(stuckAfter(1_000, overrides)).toBeUndefined();
  });

  it('and not before its workflow was started: the sweep starts it', () => {
    const { startedAt: _, ...accepted } = aRelease({ startedAt: NOW, plan });
    expect(stuckReason(accepted, NOW_MS + 10_000_000)).toBeUndefined();
  });
});
