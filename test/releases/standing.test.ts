import { describe, expect, it } from 'vitest';
import type { ReleaseId } from '#platform/ids.ts';
import { targetIdentity } from '#policy/target.ts';
import type { Release } from '#releases/release.ts';
import { standingOf } from '#releases/standing.ts';
import { aRelease, aSnapshot, aWave, checkoutTarget, NOW, releaseIdOf } from '../builders/release.ts';

/** The store's list, newest first, two on a page. */
const listOf = (...oldestFirst: readonly Partial<Release>[]) => {
  const releases = oldestFirst
    .map((overrides, index) => aRelease({ releaseId: releaseIdOf(index + 1), ...overrides }))
    .reverse();
  return {
    get: async (releaseId: ReleaseId) => releases.find((release) => release.releaseId === releaseId),
    list: async ({ after }: { after?: string }) => {
      const from = after === undefined ? 0 : releases.findIndex(({ releaseId }) => releaseId === after) + 1;
      const page = releases.slice(from, from + 2);
      const last = page.at(-1)?.releaseId;
      return {
        releases: page,
        ...(from + 2 < releases.length && last !== undefined && { next: last as string }),
      };
    },
  };
};

const ended = (outcome: NonNullable<Release['outcome']>, more: Partial<Release> = {}): Partial<Release> => ({
  mode: 'done',
  outcome,
  concludedAt: NOW,
  ...more,
});
const standing = (...releases: readonly Partial<Release>[]) =>
  standingOf(listOf(...releases), 'checkout', 'production', [checkoutTarget]);
const leftOf = async (...releases: readonly Partial<Release>[]) =>
  (await standing(...releases)).left.get(targetIdentity(checkoutTarget));

describe('how an environment stands by its releases', () => {
  it('is at the new version after a promotion, at the old one after a rollback', async () => {
    const snapshots = [aSnapshot({ stableVersion: '7' })];
    expect(await leftOf(ended('promoted', { version: '8', snapshots }))).toMatchObject({ version: '8' });
    expect(await leftOf(ended('rolled-back', { version: '8', snapshots }))).toMatchObject({
      version: '7',
      releaseId: releaseIdOf(1),
      outcome: 'rolled-back',
      requestedBy: 'ann',
      concludedAt: NOW,
    });
  });

  it('goes by the last one that looked: one that was refused before says nothing', async () => {
    const found = await leftOf(
      ended('promoted', { version: '5' }),
      ended('promoted', { version: '6' }),
      ended('refused', { version: '9' }),
      ended('aborted', { version: '9' }),
      ended('refused', { version: '9' }),
    );
    expect(found).toMatchObject({ version: '6', releaseId: releaseIdOf(2) });
  });

  it('is not known without a release, by one of another environment, or by one of another target', async () => {
    const other = { ...checkoutTarget, alias: 'other' };
    expect(await leftOf()).toBeUndefined();
    expect(await leftOf(ended('promoted', { environment: 'staging' }))).toBeUndefined();
    expect(await leftOf(ended('promoted', { waves: [aWave({ target: other })] }))).toBeUndefined();
  });

  it('is known for each wave by itself', async () => {
    const other = { ...checkoutTarget, alias: 'other' };
    const waves = [aWave({ version: '8' }), aWave({ name: 'second', target: other, version: '80' })];
    const snapshots = [aSnapshot({ stableVersion: '7' }), aSnapshot({ stableVersion: '70' })];
    const both = [checkoutTarget, other];
    for (const [outcome, versions] of [
      ['promoted', ['8', '80']],
      ['rolled-back', ['7', '70']],
    ] as const) {
      const list = listOf(ended(outcome, { waves, snapshots }));
      const { left } = await standingOf(list, 'checkout', 'production', both);
      expect(both.map((target) => left.get(targetIdentity(target))?.version)).toEqual(versions);
    }
  });

  it('reads a release again that the list still shows as not concluded', async () => {
    const stale = listOf({ mode: 'forward', version: '8' });
    const now = aRelease(ended('promoted', { version: '8' }));
    const found = await standingOf({ ...stale, get: async () => now }, 'checkout', 'production', [
      checkoutTarget,
    ]);
    expect(found.active).toBeUndefined();
    expect([...found.left.values()]).toMatchObject([{ version: '8' }]);
  });

  it('has a release at work until that is concluded, not only decided', async () => {
    expect((await standing(ended('promoted'))).active).toBeUndefined();
    expect((await standing({ mode: 'forward' })).active?.releaseId).toBe(releaseIdOf(1));
    const decided = { mode: 'done', outcome: 'promoted' } as const;
    const { active, left } = await standing(ended('promoted', { version: '5' }), decided);
    expect(active?.releaseId).toBe(releaseIdOf(2));
    expect([...left.values()]).toMatchObject([{ version: '5' }]);
  });
});
