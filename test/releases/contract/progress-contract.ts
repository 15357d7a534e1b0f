import { describe, expect, it } from 'vitest';
import { ann, aSnapshot, bob, NOW } from '../../builders/release.ts';
import { aborted, breached, type StoreWorld, weight } from './store-world.ts';

/** What moves a release forward, and what stops it from that. */
export const progressContract = (world: StoreWorld): void => {
  describe('the snapshot', () => {
    it('is written once: whoever comes later gets the first one', async () => {
      const { releaseId } = await world.reserved();
      expect(await world.store.saveSnapshots(releaseId, 1, [aSnapshot()])).toEqual([aSnapshot()]);
      const other = aSnapshot({ stableVersion: '9' });
      expect(await world.store.saveSnapshots(releaseId, 1, [other])).toEqual([aSnapshot()]);
      expect((await world.store.get(releaseId))?.snapshots).toEqual([aSnapshot()]);
    });

    it('is the same for all who take it at once', async () => {
      const { releaseId } = await world.reserved();
      const taken = await Promise.all(
        ['4', '5', '6', '7'].map((stableVersion) =>
          world.store.saveSnapshots(releaseId, 1, [aSnapshot({ stableVersion })]),
        ),
      );
      expect(new Set(taken.map((snapshots) => snapshots?.[0]?.stableVersion)).size).toBe(1);
    });

    it('is refused once the release was stopped', async () => {
      const { releaseId } = await world.reserved();
      expect(await world.store.saveSnapshots(releaseId, 2, [aSnapshot()])).toBeUndefined();
      await world.store.beginRestore(releaseId, aborted);
      expect(await world.store.saveSnapshots(releaseId, 1, [aSnapshot()])).toBeUndefined();
      expect(await world.store.saveSnapshots(releaseId, 2, [aSnapshot()])).toBeUndefined();
      expect((await world.store.get(releaseId))?.snapshots).toBeUndefined();
    });

    it('that is there is not handed to a step of a release that was stopped', async () => {
      const { releaseId } = await world.withSnapshot();
      await world.store.beginRestore(releaseId, aborted);
      expect(await world.store.saveSnapshots(releaseId, 1, [aSnapshot()])).toBeUndefined();
      expect((await world.store.get(releaseId))?.snapshots).toEqual([aSnapshot()]);
    });
  });

  describe('an intended weight', () => {
    it('needs a snapshot to come back to', async () => {
      const { releaseId } = await world.reserved();
      expect(await world.store.intendStep(releaseId, 1, weight(5))).toBe(false);
      await world.store.saveSnapshots(releaseId, 1, [aSnapshot()]);
      expect(await world.store.intendStep(releaseId, 1, weight(5))).toBe(true);
      expect((await world.store.get(releaseId))?.progress).toEqual(weight(5));
    });

    it('may be repeated and followed, but a late step never comes back', async () => {
      const { releaseId } = await world.withSnapshot();
      expect(await world.store.intendStep(releaseId, 1, weight(5))).toBe(true);
      expect(await world.store.intendStep(releaseId, 1, weight(5))).toBe(true);
      expect(await world.store.intendStep(releaseId, 1, weight(100))).toBe(true);
      expect(await world.store.intendStep(releaseId, 1, weight(50))).toBe(false);
      expect((await world.store.get(releaseId))?.progress?.weightPercent).toBe(100);
    });

    it('is refused at another fence and after a restore began', async () => {
      const { releaseId } = await world.withSnapshot();
      expect(await world.store.intendStep(releaseId, 2, weight(5))).toBe(false);
      await world.store.beginRestore(releaseId, aborted);
      expect(await world.store.intendStep(releaseId, 1, weight(5))).toBe(false);
      expect(await world.store.intendStep(releaseId, 2, weight(5))).toBe(false);
      expect((await world.store.get(releaseId))?.progress).toBeUndefined();
    });
  });

  it("notes a look's progress at the recorded step, and no other", async () => {
    const { releaseId } = await world.withSnapshot();
    await world.store.intendStep(releaseId, 1, weight(5));
    const seen = { ...weight(5), score: 97.5, verdict: 'continue', lookedAt: NOW };
    expect(await world.store.noteProgress(releaseId, 1, seen)).toBe(true);
    expect((await world.store.get(releaseId))?.progress).toEqual(seen);
    expect(await world.store.noteProgress(releaseId, 1, weight(50))).toBe(false);
    await world.store.intendStep(releaseId, 1, weight(50));
    expect(await world.store.noteProgress(releaseId, 1, seen)).toBe(false);
    await world.store.beginRestore(releaseId, aborted);
    expect(await world.store.noteProgress(releaseId, 1, weight(50))).toBe(false);
    expect((await world.store.get(releaseId))?.progress).toEqual(weight(50));
  });

  describe('a wish', () => {
    const pause = { by: ann, reason: 'lunch', at: NOW };
    const wish = { by: ann, reason: 'seen enough', at: NOW, step: 1 };
    const atWeight = async () => {
      const release = await world.withSnapshot();
      await world.store.intendStep(release.releaseId, 1, weight(25));
      return release;
    };

    it('to pause is taken once, and to resume only while it is paused', async () => {
      const { releaseId } = await atWeight();
      expect(await world.store.resume(releaseId, 'a')).toBe(false);
      expect(await world.store.pause(releaseId, pause, 'b')).toBe(true);
      expect(await world.store.pause(releaseId, { ...pause, by: bob }, 'c')).toBe(false);
      expect(await world.store.get(releaseId)).toMatchObject({ paused: pause, wishes: ['b'] });
      expect(await world.store.resume(releaseId, 'd')).toBe(true);
      const resumed = await world.store.get(releaseId);
      expect(resumed?.paused).toBeUndefined();
      expect(resumed?.wishes).toEqual(['b', 'd']);
    });

    it('to promote is for the step that is on', async () => {
      const { releaseId } = await atWeight();
      expect(await world.store.wishPromotion(releaseId, { ...wish, step: 2 }, 'a')).toBe(false);
      expect(await world.store.wishPromotion(releaseId, wish, 'b')).toBe(true);
      expect(await world.store.get(releaseId)).toMatchObject({ promotionWish: wish, wishes: ['b'] });
    });

    it('whose key was taken is not taken again, however late it comes', async () => {
      const { releaseId } = await atWeight();
      expect(await world.store.pause(releaseId, pause, 'a')).toBe(true);
      expect(await world.store.pause(releaseId, pause, 'a')).toBe(true);
      expect(await world.store.resume(releaseId, 'b')).toBe(true);
      expect(await world.store.pause(releaseId, pause, 'a')).toBe(true);
      const resumed = await world.store.get(releaseId);
      expect(resumed?.paused).toBeUndefined();
      expect(resumed?.wishes).toEqual(['a', 'b']);
    });

    it('is not taken once the release is being restored', async () => {
      const { releaseId } = await atWeight();
      await world.store.beginRestore(releaseId, breached);
      expect(await world.store.pause(releaseId, pause, 'a')).toBe(false);
      expect(await world.store.wishPromotion(releaseId, wish, 'b')).toBe(false);
    });
  });

  describe('a step', () => {
    const pause = { by: ann, reason: 'lunch', at: NOW };
    const atWeight = async () => {
      const release = await world.withSnapshot();
      await world.store.intendStep(release.releaseId, 1, weight(25));
      return release;
    };

    it('passes, unless a pause came first', async () => {
      const { releaseId } = await atWeight();
      expect(await world.store.passStep(releaseId, 1, weight(25))).toBe('passed');
      await world.store.pause(releaseId, pause, 'a');
      expect(await world.store.passStep(releaseId, 1, weight(25))).toBe('paused');
    });

    it('passes while paused when a person wished it, and only that step', async () => {
      const { releaseId } = await atWeight();
      await world.store.pause(releaseId, pause, 'a');
      await world.store.wishPromotion(releaseId, { by: ann, reason: 'seen enough', at: NOW, step: 1 }, 'b');
      expect(await world.store.passStep(releaseId, 1, weight(25))).toBe('passed');
      await world.store.intendStep(releaseId, 1, weight(50));
      expect(await world.store.passStep(releaseId, 1, weight(50))).toBe('paused');
    });

    it('does not pass once the fence has moved, paused or not', async () => {
      const { releaseId } = await atWeight();
      await world.store.pause(releaseId, pause, 'a');
      await world.store.beginRestore(releaseId, breached);
      expect(await world.store.passStep(releaseId, 1, weight(25))).toBe('fenced');
    });
  });
};
