import { describe, expect, it } from 'vitest';
import type { Release } from '#releases/release.ts';
import { restoredTime } from '#releases/restored-time.ts';
import { rollbackReport, rollbackReportSchema } from '#releases/rollback-report.ts';
import { aRelease, NOW, NOW_MS, progressAt, releaseIdOf } from '../builders/release.ts';

const later = (seconds: number) => new Date(NOW_MS + seconds * 1_000).toISOString();
let count = 0;
const back = (seconds: number, more: Partial<Release> = {}): Release => {
  count += 1;
  return aRelease({
    releaseId: releaseIdOf(count),
    mode: 'done',
    outcome: 'rolled-back',
    restoringSince: later(1),
    progress: { ...progressAt(0, 5), verdict: 'restore', lookedAt: NOW },
    verified: { at: 'stable', fence: 2, time: later(seconds) },
    ...more,
  });
};

describe('how long a breach lasted', () => {
  it('counts from the look that found it', () => {
    expect(restoredTime(back(4))).toEqual({ breachedAt: NOW, verifiedAt: later(4), milliseconds: 4_000 });
  });

  it('counts from where the restore began when no look asked for it', () => {
    expect(restoredTime(back(4, { progress: progressAt(0, 5) }))?.milliseconds).toBe(3_000);
  });

  it('ends where traffic was found back first, though restores after that found it there again', () => {
    const verified = { at: 'stable', fence: 3, time: later(60), since: later(2) } as const;
    expect(restoredTime(back(60, { verified }))).toEqual({
      breachedAt: NOW,
      verifiedAt: later(2),
      milliseconds: 2_000,
    });
  });

  it('is not known of one whose traffic had not moved, or is not verified on stable', () => {
    expect(restoredTime(back(4, { outcome: 'aborted' }))).toBeUndefined();
    expect(restoredTime(back(4, { verified: { at: 'new', fence: 1, time: NOW } }))).toBeUndefined();
  });
});

describe('the report of rollbacks', () => {
  it('tells drills from real ones, with rate, median and maximum', () => {
    const report = rollbackReport([back(2), back(8), back(61), back(3, { strategy: 'drill' }), aRelease()]);
    expect(rollbackReportSchema.parse(report)).toMatchObject({
      drills: { begun: 1, succeeded: 1, successRate: 1, medianMilliseconds: 3_000 },
      real: { begun: 3, succeeded: 2, medianMilliseconds: 8_000, maximumMilliseconds: 61_000 },
    });
    expect(report.real.successRate).toBeCloseTo(2 / 3);
    expect(report.restored).toHaveLength(4);
  });

  it('counts a restore that has not ended as begun and not as a success', () => {
    const { outcome: _, verified: __, ...stuck } = back(0, { mode: 'restoring' });
    expect(rollbackReport([stuck]).real).toEqual({ begun: 1, succeeded: 0, successRate: 0 });
  });

  it('has no rate where nothing had to come back', () => {
    expect(rollbackReport([aRelease()]).real).toEqual({ begun: 0, succeeded: 0 });
  });
});
