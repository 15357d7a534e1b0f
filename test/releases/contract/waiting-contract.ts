import { describe, expect, it } from 'vitest';
import type { Release } from '#releases/release.ts';
import { ann, NOW } from '../../builders/release.ts';
import { aborted, key, LATER, type StoreWorld, verified } from './store-world.ts';

/** Who waits for a lock, and how it gets its turn. */
export const waitingContract = (world: StoreWorld): void => {
  const fresh = (seconds = 1, overrides: Partial<Release> = {}): Release =>
    world.fresh({ waiting: true, supersedes: true, ...overrides }, seconds);
  const queued = async (release = fresh(), waiter?: Release): Promise<Release> => {
    expect(await world.store.queue(release, key(), waiter?.releaseId)).toEqual({ kind: 'queued' });
    return release;
  };
  const end = async (release: Release): Promise<void> => {
    const { releaseId } = release;
    const { fence = 0 } = (await world.store.beginRestore(releaseId, aborted)) ?? {};
    await world.store.noteVerified(releaseId, verified('stable', fence));
    await world.store.decide(releaseId, { outcome: 'aborted', fence, reasons: aborted });
    // As it is now, as whoever concludes it has it: by now it may have had its turn.
    await world.store.close((await world.store.get(releaseId)) ?? release, NOW);
  };

  describe('a release that waits', () => {
    it('is kept as it was asked for, holds no lock, and has its turn when the active one has ended', async () => {
      const active = await world.reserved();
      const waiting = await queued();
      expect(await world.store.get(waiting.releaseId)).toEqual(waiting);
      expect(await world.store.admit(waiting, NOW)).toEqual({ kind: 'behind', by: active.releaseId });
      await end(active);
      expect(await world.store.admit(waiting, NOW)).toEqual({ kind: 'admitted' });
      const { waiting: _, ...admitted } = waiting;
      expect(await world.store.get(waiting.releaseId)).toEqual(admitted);
      expect(await world.store.reserve(world.fresh({}, 2), key())).toEqual({
        kind: 'locked',
        by: waiting.releaseId,
      });
      expect(await world.store.admit(waiting, NOW), 'again').toEqual({ kind: 'admitted' });
    });

    it('is overtaken by nobody once the lock is free', async () => {
      const active = await world.reserved();
      const waiting = await queued();
      await end(active);
      expect(await world.store.reserve(world.fresh({}, 2), key())).toEqual({
        kind: 'locked',
        by: waiting.releaseId,
        waiter: waiting.releaseId,
      });
    });

    it('is found by its key, and its key is taken', async () => {
      await world.reserved();
      const waiting = fresh();
      const used = key();
      await world.store.queue(waiting, used, undefined);
      expect(await world.store.reserve(world.fresh({}, 2), used)).toEqual({
        kind: 'repeated',
        release: waiting,
      });
      const again = await world.store.queue(fresh(3), used, waiting.releaseId);
      expect(again).toEqual({ kind: 'moved-on' });
    });

    it('is the only one: a newer one takes its place, and only one that knows of it', async () => {
      const active = await world.reserved();
      const first = await queued();
      expect(await world.store.reserve(world.fresh({}, 2), key())).toEqual({
        kind: 'locked',
        by: active.releaseId,
        waiter: first.releaseId,
      });
      expect(await world.store.queue(fresh(2), key(), undefined)).toEqual({ kind: 'moved-on' });
      const second = await queued(fresh(3), first);
      expect(await world.store.queue(fresh(4), key(), first.releaseId)).toEqual({ kind: 'moved-on' });
      expect(await world.store.admit(first, NOW)).toEqual({ kind: 'replaced', by: second.releaseId });
      await end(first);
      expect((await world.store.get(first.releaseId))?.concludedAt).toBe(NOW);
      expect(await world.store.admit(second, NOW)).toEqual({ kind: 'behind', by: active.releaseId });
    });

    it('is displaced also when the one that took its place has had its turn', async () => {
      const active = await world.reserved();
      const first = await queued();
      const second = await queued(fresh(2), first);
      await end(active);
      expect(await world.store.admit(second, NOW)).toEqual({ kind: 'admitted' });
      expect(await world.store.admit(first, NOW)).toEqual({ kind: 'replaced', by: second.releaseId });
      await end(second);
      expect(await world.store.admit(first, NOW), 'nobody to name').toEqual({ kind: 'replaced' });
    });

    it('is displaced also when the one that took its place was stopped: by nobody that is there', async () => {
      await world.reserved();
      const first = await queued();
      await end(await queued(fresh(2), first));
      expect(await world.store.admit(first, NOW)).toEqual({ kind: 'replaced' });
    });

    it('is one of many at once', async () => {
      await world.reserved();
      const all = Array.from({ length: 6 }, (_, index) => fresh(index + 1));
      const settled = await Promise.allSettled(
        all.map((release) => world.store.queue(release, key(), undefined)),
      );
      const kinds = settled.map((one) => (one.status === 'fulfilled' ? one.value.kind : 'ask again'));
      expect(kinds.filter((kind) => kind === 'queued')).toHaveLength(1);
    });

    it('that is stopped has no turn, ends without a lock, and leaves its place', async () => {
      const active = await world.reserved();
      const waiting = await queued();
      await world.store.beginRestore(waiting.releaseId, aborted);
      await end(active);
      expect(await world.store.admit(waiting, NOW)).toEqual({ kind: 'held' });
      await end(waiting);
      await world.store.close(waiting, LATER);
      expect((await world.store.get(waiting.releaseId))?.concludedAt).toBe(NOW);
      await world.reserved({}, 5);
    });

    it('has no turn while its environment is frozen, or while another service moves its traffic', async () => {
      const environment = `w${Date.now().toString(36)}`;
      const other = await world.reserved({ environment: 'staging' });
      const waiting = await queued(fresh(1, { environment, waves: other.waves }));
      expect(await world.store.admit(waiting, NOW)).toEqual({ kind: 'held' });
      await end(other);
      const freeze = { until: LATER, reason: 'quarter end', by: ann, at: NOW };
      await world.store.putEnvironment({ environment, revision: 1, freeze, keys: [] });
      expect(await world.store.admit(waiting, NOW)).toEqual({ kind: 'held' });
      expect(await world.store.queue(fresh(2, { environment }), key(), waiting.releaseId)).toEqual({
        kind: 'moved-on',
      });
      expect(await world.store.admit(waiting, LATER)).toEqual({ kind: 'admitted' });
    });
  });
};
