import { randomUUID } from 'node:crypto';
import { beforeEach, expect } from 'vitest';
import { newReleaseId } from '#platform/new-id.ts';
import type { Progress, Reason, Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { aRelease, aSnapshot, aWave, NOW, progressAt } from '../../builders/release.ts';

export const LATER = '2026-03-01T12:05:00.000Z';
export const aborted: Reason[] = [{ code: 'operator-abort', text: 'aborted by ann' }];
export const breached: Reason[] = [{ code: 'evidence', text: 'rolled back: 20 of 60 errors' }];

const WEIGHTS = [5, 25, 50, 100];

/** Where a release of these four stages stands at a weight. */
export const weight = (weightPercent: number): Progress =>
  progressAt(WEIGHTS.indexOf(weightPercent), weightPercent, WEIGHTS.length);
export const verified = (at: 'stable' | 'new', fence: number) => ({ at, fence, time: NOW });

/** A key that nobody used, and the digest of a request. */
export const key = (value = randomUUID()) => ({ value, requestDigest: 'a'.repeat(64) });

/** The store under test, and releases in it of a service that is the test's own. */
export class StoreWorld {
  service = '';
  private made: ReleaseStore | undefined;

  constructor(make: () => Promise<ReleaseStore> | ReleaseStore) {
    beforeEach(async () => {
      this.made = await make();
      this.service = `s-${randomUUID().slice(0, 30)}`;
    });
  }

  get store(): ReleaseStore {
    if (this.made === undefined) throw new Error('there is a store within tests only');
    return this.made;
  }

  /** `seconds` after now, so that ids sort as the test wants them to. */
  fresh(overrides: Partial<Release> = {}, seconds = 0): Release {
    const releaseId = newReleaseId(new Date(Date.now() + seconds * 1_000));
    const alias = overrides.environment ?? 'production';
    const target = { kind: 'lambda-alias', functionName: this.service, alias } as const;
    return aRelease({ releaseId, service: this.service, waves: [aWave({ target })], ...overrides });
  }

  async reserved(overrides: Partial<Release> = {}, seconds = 0): Promise<Release> {
    const release = this.fresh(overrides, seconds);
    expect(await this.store.reserve(release, key())).toEqual({ kind: 'reserved' });
    return release;
  }

  async withSnapshot(): Promise<Release> {
    const release = await this.reserved();
    await this.store.saveSnapshots(release.releaseId, 1, [aSnapshot()]);
    return release;
  }

  async promoted(): Promise<Release> {
    const release = await this.reserved();
    await this.store.noteVerified(release.releaseId, verified('new', 1));
    await this.store.decide(release.releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
    return release;
  }
}
