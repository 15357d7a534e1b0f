import { describe, expect, it, vi } from 'vitest';
import type { Release } from '#releases/release.ts';
import { NOW } from '../../builders/release.ts';
import { key, LATER, type StoreWorld, verified, weight } from './store-world.ts';

/** Who gets the lock, when it is free again, and how releases are found. */
export const reservationContract = (world: StoreWorld): void => {
  describe('a reservation', () => {
    it('keeps the release as it was asked for', async () => {
      const release = await world.reserved({ notes: 'hello' });
      expect(await world.store.get(release.releaseId)).toEqual(release);
      expect(await world.store.get(world.fresh().releaseId)).toBeUndefined();
    });

    it('is refused while another release of this service and environment is active, and leaves nothing behind', async () => {
      const first = await world.reserved();
      const second = world.fresh();
      expect(await world.store.reserve(second, key())).toEqual({ kind: 'locked', by: first.releaseId });
      expect(await world.store.get(second.releaseId)).toBeUndefined();
      await world.reserved({ environment: 'staging' });
    });

    it('is refused while a release of another environment or service moves the same traffic', async () => {
      const first = await world.reserved();
      const second = world.fresh({ environment: 'staging', waves: first.waves });
      expect(await world.store.reserve(second, key())).toEqual({
        kind: 'target-locked',
        by: first.releaseId,
      });
      expect(await world.store.get(second.releaseId)).toBeUndefined();
    });

    it('happens once for a key: the same request finds its release, as it is by now', async () => {
      const release = world.fresh();
      const used = key();
      await world.store.reserve(release, used);
      await world.store.markStarted(release.releaseId, NOW);
      expect(await world.store.reserve(world.fresh(), used)).toEqual({
        kind: 'repeated',
        release: { ...release, startedAt: NOW },
      });
    });

    it('leaves its key known, and no other', async () => {
      const used = key();
      expect(await world.store.knowsKey(used.value)).toBe(false);
      await world.store.reserve(world.fresh(), used);
      expect(await world.store.knowsKey(used.value)).toBe(true);
      expect(await world.store.knowsKey(key().value)).toBe(false);
    });

    it('is refused when the key was used for another request', async () => {
      const release = world.fresh();
      const used = key();
      await world.store.reserve(release, used);
      const other = { ...used, requestDigest: 'b'.repeat(64) };
      expect(await world.store.reserve(world.fresh({ environment: 'staging' }), other)).toEqual({
        kind: 'key-reused',
        releaseId: release.releaseId,
      });
    });

    it('succeeds for exactly one of many at once', async () => {
      const asked = Array.from({ length: 8 }, () => world.fresh());
      const settled = await Promise.allSettled(asked.map((release) => world.store.reserve(release, key())));
      const kinds = settled.map((one) => (one.status === 'fulfilled' ? one.value.kind : 'ask again'));
      expect(kinds.filter((kind) => kind === 'reserved')).toHaveLength(1);
      const stored = await Promise.all(asked.map(({ releaseId }) => world.store.get(releaseId)));
      expect(stored.filter((release) => release !== undefined)).toHaveLength(1);
    });

    it('happens once for a key that comes many times at once', async () => {
      const used = key();
      const asked = Array.from({ length: 8 }, () => world.fresh());
      await Promise.allSettled(asked.map((release) => world.store.reserve(release, used)));
      const stored = await Promise.all(asked.map(({ releaseId }) => world.store.get(releaseId)));
      expect(stored.filter((release) => release !== undefined)).toHaveLength(1);
    });
  });

  describe('closing', () => {
    it('frees the lock and takes the release out of the open ones, once', async () => {
      const release = await world.promoted();
      await world.store.close(release, NOW);
      await world.store.close(release, LATER);
      expect((await world.store.get(release.releaseId))?.concludedAt).toBe(NOW);
      const isOpen = async () =>
        (await world.store.open()).some(({ releaseId }) => releaseId === release.releaseId);
      await vi.waitFor(async () => expect(await isOpen()).toBe(false), { timeout: 10_000 });
      await world.reserved();
    });

    it('frees the traffic it moved, for whichever service declares it', async () => {
      const release = await world.promoted();
      await world.store.close(release, NOW);
      const other = world.fresh({ environment: 'staging', waves: release.waves });
      expect(await world.store.reserve(other, key())).toEqual({ kind: 'reserved' });
    });

    it('is refused while the release is not done, and the lock stays', async () => {
      const release = await world.reserved();
      await expect(world.store.close(release, NOW)).rejects.toThrow();
      expect((await world.store.get(release.releaseId))?.concludedAt).toBeUndefined();
      expect(await world.store.reserve(world.fresh(), key())).toEqual({
        kind: 'locked',
        by: release.releaseId,
      });
    });

    it("a second time does not free the next release's lock", async () => {
      const release = await world.promoted();
      await world.store.close(release, NOW);
      const next = await world.reserved();
      await world.store.close(release, LATER);
      expect(await world.store.reserve(world.fresh(), key())).toEqual({ kind: 'locked', by: next.releaseId });
    });
  });

  it('remembers the first start only', async () => {
    const { releaseId } = await world.reserved();
    await world.store.markStarted(releaseId, NOW);
    await world.store.markStarted(releaseId, LATER);
    expect((await world.store.get(releaseId))?.startedAt).toBe(NOW);
  });

  it('counts recoveries up only', async () => {
    const { releaseId } = await world.reserved();
    await world.store.noteRecovery(releaseId, 2);
    await world.store.noteRecovery(releaseId, 1);
    expect((await world.store.get(releaseId))?.recoveries).toBe(2);
  });

  it('changes nothing of a release that does not exist', async () => {
    const { releaseId } = world.fresh();
    await world.store.markStarted(releaseId, NOW);
    await world.store.noteRecovery(releaseId, 1);
    expect(await world.store.intendStep(releaseId, 1, weight(5))).toBe(false);
    expect(await world.store.noteProgress(releaseId, 1, weight(5))).toBe(false);
    expect(await world.store.noteVerified(releaseId, verified('stable', 1))).toBe(false);
    expect(await world.store.decide(releaseId, { outcome: 'aborted', fence: 1, reasons: [] })).toBe(false);
    expect(await world.store.get(releaseId)).toBeUndefined();
  });

  describe('lists', () => {
    const pages = async (filter: { service?: string }, limit: number, pagesMax: number) => {
      const ids: string[] = [];
      let after: string | undefined;
      for (let number = 0; number < pagesMax; number += 1) {
        const page = await world.store.list({ ...filter, limit, ...(after !== undefined && { after }) });
        expect(page.releases.length).toBeLessThanOrEqual(limit);
        ids.push(...page.releases.map(({ releaseId }) => releaseId));
        after = page.next;
        if (after === undefined) break;
      }
      return { ids, after };
    };

    it('show a service its releases, newest first, each once, a page at a time', async () => {
      const made: Release[] = [];
      for (const [index, environment] of ['one', 'two', 'three', 'four', 'five'].entries())
        made.push(await world.reserved({ environment }, index));
      const newestFirst = made.map(({ releaseId }) => releaseId).reverse();
      await vi.waitFor(
        async () =>
          expect(await pages({ service: world.service }, 2, 9)).toEqual({
            ids: newestFirst,
            after: undefined,
          }),
        { timeout: 10_000 },
      );
    });

    it('show all services together', async () => {
      // Later than anything else in a shared table.
      const one = await world.reserved({}, 5_000_000_000);
      world.service = `${world.service.slice(0, 30)}-other`;
      const other = await world.reserved({}, 5_000_000_001);
      await vi.waitFor(
        async () => expect((await pages({}, 1, 2)).ids).toEqual([other.releaseId, one.releaseId]),
        { timeout: 10_000 },
      );
    });

    it('show what is open, oldest first, with everything that is known of it', async () => {
      const made = [
        await world.reserved({ environment: 'one' }),
        await world.reserved({ environment: 'two' }, 1),
      ];
      const own = async () =>
        (await world.store.open()).filter((release) => release.service === world.service);
      await vi.waitFor(async () => expect(await own()).toEqual(made), { timeout: 10_000 });
    });
  });
};
