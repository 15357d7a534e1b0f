import { describe, expect, it } from 'vitest';
import { NotFoundError } from '#platform/errors.ts';
import { ann, bob, NOW } from '../../builders/release.ts';
import { aborted, breached, LATER, type StoreWorld, verified } from './store-world.ts';

/** How a release is stopped, verified and decided. */
export const outcomeContract = (world: StoreWorld): void => {
  describe('a restore', () => {
    it('raises the fence each time and keeps the first cause, time and person', async () => {
      const { releaseId } = await world.reserved();
      expect(await world.store.beginRestore(releaseId, aborted, { at: NOW, abortedBy: ann })).toEqual({
        fence: 2,
        first: true,
      });
      expect(await world.store.beginRestore(releaseId, breached, { at: LATER, abortedBy: bob })).toEqual({
        fence: 3,
        first: false,
      });
      expect(await world.store.get(releaseId)).toMatchObject({
        mode: 'restoring',
        fence: 3,
        restoreCause: aborted,
        restoringSince: NOW,
        abortedBy: ann,
      });
      expect(await world.store.readFence(releaseId)).toEqual({ mode: 'restoring', fence: 3 });
    });

    it('notes who aborts it even when something else began it', async () => {
      const { releaseId } = await world.reserved();
      await world.store.beginRestore(releaseId, breached);
      await world.store.beginRestore(releaseId, aborted, { at: NOW, abortedBy: ann });
      expect(await world.store.get(releaseId)).toMatchObject({ restoreCause: breached, abortedBy: ann });
    });

    it('gives everyone who begins it at once a fence of their own, and one of them the first', async () => {
      const { releaseId } = await world.reserved();
      const begun = await Promise.all([1, 2, 3, 4].map(() => world.store.beginRestore(releaseId, aborted)));
      expect(begun.map((one) => one?.fence).sort()).toEqual([2, 3, 4, 5]);
      expect(begun.filter((one) => one?.first)).toHaveLength(1);
    });

    it('is too late when the release is done', async () => {
      const { releaseId } = await world.promoted();
      expect(await world.store.beginRestore(releaseId, aborted, { at: NOW, abortedBy: ann })).toBeUndefined();
      expect(await world.store.get(releaseId)).toMatchObject({ mode: 'done', fence: 1, outcome: 'promoted' });
    });

    it('of a release that does not exist is an error, as is its fence', async () => {
      const { releaseId } = world.fresh();
      await expect(world.store.beginRestore(releaseId, aborted)).rejects.toBeInstanceOf(NotFoundError);
      await expect(world.store.readFence(releaseId)).rejects.toBeInstanceOf(NotFoundError);
      expect(await world.store.get(releaseId)).toBeUndefined();
    });
  });

  it('takes a verification only at the fence in force', async () => {
    const { releaseId } = await world.reserved();
    expect(await world.store.noteVerified(releaseId, verified('new', 1))).toBe(true);
    await world.store.beginRestore(releaseId, aborted);
    expect(await world.store.noteVerified(releaseId, verified('new', 1))).toBe(false);
    expect(await world.store.noteVerified(releaseId, verified('stable', 2))).toBe(true);
    expect((await world.store.get(releaseId))?.verified).toEqual(verified('stable', 2));
    await world.store.decide(releaseId, { outcome: 'aborted', fence: 2, reasons: [] });
    expect(await world.store.noteVerified(releaseId, verified('stable', 2))).toBe(false);
  });

  describe('the decision', () => {
    const promote = { outcome: 'promoted', reasons: breached } as const;
    const rollBack = { outcome: 'rolled-back', reasons: breached } as const;

    it('to promote needs traffic verified on the new version at this fence', async () => {
      const { releaseId } = await world.reserved();
      expect(await world.store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
      await world.store.noteVerified(releaseId, verified('stable', 1));
      expect(await world.store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
      await world.store.noteVerified(releaseId, verified('new', 1));
      expect(await world.store.decide(releaseId, { ...promote, fence: 2 })).toBe(false);
      expect(await world.store.decide(releaseId, { ...rollBack, fence: 1 })).toBe(false);
      expect(await world.store.decide(releaseId, { ...promote, fence: 1 })).toBe(true);
      expect(await world.store.get(releaseId)).toMatchObject({
        mode: 'done',
        outcome: 'promoted',
        reasons: breached,
      });
    });

    it('after a restore began is never to promote, and needs traffic verified on stable at the present fence', async () => {
      const { releaseId } = await world.reserved();
      await world.store.noteVerified(releaseId, verified('new', 1));
      await world.store.beginRestore(releaseId, aborted);
      expect(await world.store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
      expect(await world.store.decide(releaseId, { ...promote, fence: 2 })).toBe(false);
      expect(await world.store.decide(releaseId, { ...rollBack, fence: 2 })).toBe(false);
      await world.store.noteVerified(releaseId, verified('stable', 2));
      await world.store.beginRestore(releaseId, aborted);
      expect(await world.store.decide(releaseId, { ...rollBack, fence: 2 })).toBe(false);
      expect(await world.store.decide(releaseId, { ...rollBack, fence: 3 })).toBe(false);
      await world.store.noteVerified(releaseId, verified('stable', 3));
      expect(await world.store.decide(releaseId, { ...rollBack, fence: 3 })).toBe(true);
    });

    it('is made once', async () => {
      const { releaseId } = await world.promoted();
      expect(await world.store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
      expect(await world.store.decide(releaseId, { ...rollBack, fence: 1 })).toBe(false);
      expect((await world.store.get(releaseId))?.outcome).toBe('promoted');
    });

    it('and a restore at the same moment: exactly one of them happens', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { releaseId } = await world.reserved({ environment: `race-${round}` });
        await world.store.noteVerified(releaseId, verified('new', 1));
        const [decided, begun] = await Promise.all([
          world.store.decide(releaseId, { ...promote, fence: 1 }),
          world.store.beginRestore(releaseId, aborted),
        ]);
        expect(decided).toBe(begun === undefined);
      }
    });
  });
};
