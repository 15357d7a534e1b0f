import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NotFoundError } from '#platform/errors.ts';
import { newReleaseId } from '#platform/new-id.ts';
import type { Progress, Reason, Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { ann, aRelease, aSnapshot, bob, NOW } from '../builders/release.ts';

const LATER = '2026-03-01T12:05:00.000Z';
const aborted: Reason[] = [{ code: 'operator-abort', text: 'aborted by ann' }];
const breached: Reason[] = [{ code: 'evidence', text: 'rolled back: 20 of 60 errors' }];

const weight = (weightPercent: number): Progress => ({ stage: 0, stages: 2, weightPercent });
const verified = (at: 'stable' | 'new', fence: number) => ({ at, fence, time: NOW });

/**
 * What every release store does, whatever is behind it. Each test has a service of its own, so that the table may be
 * shared; indexes may lag, so that lists are asked until they show what they must.
 */
export const releaseStoreContract = (
  name: string,
  make: () => Promise<ReleaseStore> | ReleaseStore,
): void => {
  describe(`release store: ${name}`, () => {
    let store: ReleaseStore;
    let service: string;
    const key = (value = randomUUID()) => ({ value, requestDigest: 'a'.repeat(64) });
    /** `seconds` after now, so that ids sort as the test wants them to. */
    const fresh = (overrides: Partial<Release> = {}, seconds = 0): Release =>
      aRelease({ releaseId: newReleaseId(new Date(Date.now() + seconds * 1_000)), service, ...overrides });
    const reserved = async (overrides: Partial<Release> = {}, seconds = 0): Promise<Release> => {
      const release = fresh(overrides, seconds);
      expect(await store.reserve(release, key())).toEqual({ kind: 'reserved' });
      return release;
    };
    const withSnapshot = async () => {
      const release = await reserved();
      await store.saveSnapshot(release.releaseId, 1, aSnapshot());
      return release;
    };
    const promoted = async (): Promise<Release> => {
      const release = await reserved();
      const { releaseId } = release;
      await store.noteVerified(releaseId, verified('new', 1));
      await store.decide(releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
      return release;
    };

    beforeEach(async () => {
      store = await make();
      service = `s-${randomUUID().slice(0, 30)}`;
    });

    describe('a reservation', () => {
      it('keeps the release as it was asked for', async () => {
        const release = await reserved({ notes: 'hello' });
        expect(await store.get(release.releaseId)).toEqual(release);
        expect(await store.get(fresh().releaseId)).toBeUndefined();
      });

      it('is refused while another release of this service and environment is active, and leaves nothing behind', async () => {
        const first = await reserved();
        const second = fresh();
        expect(await store.reserve(second, key())).toEqual({ kind: 'locked', by: first.releaseId });
        expect(await store.get(second.releaseId)).toBeUndefined();
        await reserved({ environment: 'staging' });
      });

      it('happens once for a key: the same request finds its release, as it is by now', async () => {
        const release = fresh();
        const used = key();
        await store.reserve(release, used);
        await store.markStarted(release.releaseId, NOW);
        expect(await store.reserve(fresh(), used)).toEqual({
          kind: 'repeated',
          release: { ...release, startedAt: NOW },
        });
      });

      it('is refused when the key was used for another request', async () => {
        const release = fresh();
        const used = key();
        await store.reserve(release, used);
        const other = { ...used, requestDigest: 'b'.repeat(64) };
        expect(await store.reserve(fresh({ environment: 'staging' }), other)).toEqual({
          kind: 'key-reused',
          releaseId: release.releaseId,
        });
      });

      it('succeeds for exactly one of many at once', async () => {
        const asked = Array.from({ length: 8 }, () => fresh());
        const settled = await Promise.allSettled(asked.map((release) => store.reserve(release, key())));
        const kinds = settled.map((one) => (one.status === 'fulfilled' ? one.value.kind : 'ask again'));
        expect(kinds.filter((kind) => kind === 'reserved')).toHaveLength(1);
        const stored = await Promise.all(asked.map(({ releaseId }) => store.get(releaseId)));
        expect(stored.filter((release) => release !== undefined)).toHaveLength(1);
      });

      it('happens once for a key that comes many times at once', async () => {
        const used = key();
        const asked = Array.from({ length: 8 }, () => fresh());
        await Promise.allSettled(asked.map((release) => store.reserve(release, used)));
        const stored = await Promise.all(asked.map(({ releaseId }) => store.get(releaseId)));
        expect(stored.filter((release) => release !== undefined)).toHaveLength(1);
      });
    });

    it('remembers the first start only', async () => {
      const { releaseId } = await reserved();
      await store.markStarted(releaseId, NOW);
      await store.markStarted(releaseId, LATER);
      expect((await store.get(releaseId))?.startedAt).toBe(NOW);
    });

    describe('the snapshot', () => {
      it('is written once: whoever comes later gets the first one', async () => {
        const { releaseId } = await reserved();
        expect(await store.saveSnapshot(releaseId, 1, aSnapshot())).toEqual(aSnapshot());
        const other = aSnapshot({ stableVersion: '9' });
        expect(await store.saveSnapshot(releaseId, 1, other)).toEqual(aSnapshot());
        expect((await store.get(releaseId))?.snapshot).toEqual(aSnapshot());
      });

      it('is the same for all who take it at once', async () => {
        const { releaseId } = await reserved();
        const taken = await Promise.all(
          ['4', '5', '6', '7'].map((stableVersion) =>
            store.saveSnapshot(releaseId, 1, aSnapshot({ stableVersion })),
          ),
        );
        expect(new Set(taken.map((snapshot) => snapshot?.stableVersion)).size).toBe(1);
      });

      it('is refused once the release was stopped', async () => {
        const { releaseId } = await reserved();
        expect(await store.saveSnapshot(releaseId, 2, aSnapshot())).toBeUndefined();
        await store.beginRestore(releaseId, aborted);
        expect(await store.saveSnapshot(releaseId, 1, aSnapshot())).toBeUndefined();
        expect(await store.saveSnapshot(releaseId, 2, aSnapshot())).toBeUndefined();
        expect((await store.get(releaseId))?.snapshot).toBeUndefined();
      });

      it('that is there is not handed to a step of a release that was stopped', async () => {
        const { releaseId } = await withSnapshot();
        await store.beginRestore(releaseId, aborted);
        expect(await store.saveSnapshot(releaseId, 1, aSnapshot())).toBeUndefined();
        expect((await store.get(releaseId))?.snapshot).toEqual(aSnapshot());
      });
    });

    describe('an intended weight', () => {
      it('needs a snapshot to come back to', async () => {
        const { releaseId } = await reserved();
        expect(await store.intendWeight(releaseId, 1, weight(5))).toBe(false);
        await store.saveSnapshot(releaseId, 1, aSnapshot());
        expect(await store.intendWeight(releaseId, 1, weight(5))).toBe(true);
        expect((await store.get(releaseId))?.progress).toEqual(weight(5));
      });

      it('may be repeated and may rise, but a late step never lowers it', async () => {
        const { releaseId } = await withSnapshot();
        expect(await store.intendWeight(releaseId, 1, weight(5))).toBe(true);
        expect(await store.intendWeight(releaseId, 1, weight(5))).toBe(true);
        expect(await store.intendWeight(releaseId, 1, weight(100))).toBe(true);
        expect(await store.intendWeight(releaseId, 1, weight(50))).toBe(false);
        expect((await store.get(releaseId))?.progress?.weightPercent).toBe(100);
      });

      it('is refused at another fence and after a restore began', async () => {
        const { releaseId } = await withSnapshot();
        expect(await store.intendWeight(releaseId, 2, weight(5))).toBe(false);
        await store.beginRestore(releaseId, aborted);
        expect(await store.intendWeight(releaseId, 1, weight(5))).toBe(false);
        expect(await store.intendWeight(releaseId, 2, weight(5))).toBe(false);
        expect((await store.get(releaseId))?.progress).toBeUndefined();
      });
    });

    it("notes a look's progress at the recorded weight, and no other", async () => {
      const { releaseId } = await withSnapshot();
      await store.intendWeight(releaseId, 1, weight(5));
      const seen = { ...weight(5), score: 97.5, verdict: 'continue', lookedAt: NOW };
      expect(await store.noteProgress(releaseId, 1, seen)).toBe(true);
      expect((await store.get(releaseId))?.progress).toEqual(seen);
      expect(await store.noteProgress(releaseId, 1, weight(50))).toBe(false);
      await store.intendWeight(releaseId, 1, weight(50));
      expect(await store.noteProgress(releaseId, 1, seen)).toBe(false);
      await store.beginRestore(releaseId, aborted);
      expect(await store.noteProgress(releaseId, 1, weight(50))).toBe(false);
      expect((await store.get(releaseId))?.progress).toEqual(weight(50));
    });

    describe('a wish', () => {
      const pause = { by: ann, reason: 'lunch', at: NOW };
      const wish = { by: ann, reason: 'seen enough', at: NOW, stage: 0 };
      const atWeight = async () => {
        const release = await withSnapshot();
        await store.intendWeight(release.releaseId, 1, weight(25));
        return release;
      };

      it('to pause is taken once, and to resume only while it is paused', async () => {
        const { releaseId } = await atWeight();
        expect(await store.resume(releaseId, 'a')).toBe(false);
        expect(await store.pause(releaseId, pause, 'b')).toBe(true);
        expect(await store.pause(releaseId, { ...pause, by: bob }, 'c')).toBe(false);
        expect(await store.get(releaseId)).toMatchObject({ paused: pause, wishes: ['b'] });
        expect(await store.resume(releaseId, 'd')).toBe(true);
        const resumed = await store.get(releaseId);
        expect(resumed?.paused).toBeUndefined();
        expect(resumed?.wishes).toEqual(['b', 'd']);
      });

      it('to promote is for the stage that is on', async () => {
        const { releaseId } = await atWeight();
        expect(await store.wishPromotion(releaseId, { ...wish, stage: 1 }, 'a')).toBe(false);
        expect(await store.wishPromotion(releaseId, wish, 'b')).toBe(true);
        expect(await store.get(releaseId)).toMatchObject({ promotionWish: wish, wishes: ['b'] });
      });

      it('whose key was taken is not taken again, however late it comes', async () => {
        const { releaseId } = await atWeight();
        expect(await store.pause(releaseId, pause, 'a')).toBe(true);
        expect(await store.pause(releaseId, pause, 'a')).toBe(true);
        expect(await store.resume(releaseId, 'b')).toBe(true);
        expect(await store.pause(releaseId, pause, 'a')).toBe(true);
        const resumed = await store.get(releaseId);
        expect(resumed?.paused).toBeUndefined();
        expect(resumed?.wishes).toEqual(['a', 'b']);
      });

      it('is not taken once the release is being restored', async () => {
        const { releaseId } = await atWeight();
        await store.beginRestore(releaseId, breached);
        expect(await store.pause(releaseId, pause, 'a')).toBe(false);
        expect(await store.wishPromotion(releaseId, wish, 'b')).toBe(false);
      });
    });

    describe('a stage', () => {
      const pause = { by: ann, reason: 'lunch', at: NOW };
      const atWeight = async () => {
        const release = await withSnapshot();
        await store.intendWeight(release.releaseId, 1, weight(25));
        return release;
      };

      it('passes, unless a pause came first', async () => {
        const { releaseId } = await atWeight();
        expect(await store.passStage(releaseId, 1, weight(25))).toBe('passed');
        await store.pause(releaseId, pause, 'a');
        expect(await store.passStage(releaseId, 1, weight(25))).toBe('paused');
      });

      it('passes while paused when a person wished it, and only that stage', async () => {
        const { releaseId } = await atWeight();
        await store.pause(releaseId, pause, 'a');
        await store.wishPromotion(releaseId, { by: ann, reason: 'seen enough', at: NOW, stage: 0 }, 'b');
        expect(await store.passStage(releaseId, 1, weight(25))).toBe('passed');
        await store.intendWeight(releaseId, 1, { ...weight(50), stage: 1 });
        expect(await store.passStage(releaseId, 1, { ...weight(50), stage: 1 })).toBe('paused');
      });

      it('does not pass once the fence has moved, paused or not', async () => {
        const { releaseId } = await atWeight();
        await store.pause(releaseId, pause, 'a');
        await store.beginRestore(releaseId, breached);
        expect(await store.passStage(releaseId, 1, weight(25))).toBe('fenced');
      });
    });

    describe('a restore', () => {
      it('raises the fence each time and keeps the first cause and the first person', async () => {
        const { releaseId } = await reserved();
        expect(await store.beginRestore(releaseId, aborted, ann)).toEqual({ fence: 2, first: true });
        expect(await store.beginRestore(releaseId, breached, bob)).toEqual({ fence: 3, first: false });
        expect(await store.get(releaseId)).toMatchObject({
          mode: 'restoring',
          fence: 3,
          restoreCause: aborted,
          abortedBy: ann,
        });
        expect(await store.readFence(releaseId)).toEqual({ mode: 'restoring', fence: 3 });
      });

      it('notes who aborts it even when something else began it', async () => {
        const { releaseId } = await reserved();
        await store.beginRestore(releaseId, breached);
        await store.beginRestore(releaseId, aborted, ann);
        expect(await store.get(releaseId)).toMatchObject({ restoreCause: breached, abortedBy: ann });
      });

      it('gives everyone who begins it at once a fence of their own, and one of them the first', async () => {
        const { releaseId } = await reserved();
        const begun = await Promise.all([1, 2, 3, 4].map(() => store.beginRestore(releaseId, aborted)));
        expect(begun.map((one) => one?.fence).sort()).toEqual([2, 3, 4, 5]);
        expect(begun.filter((one) => one?.first)).toHaveLength(1);
      });

      it('is too late when the release is done', async () => {
        const { releaseId } = await promoted();
        expect(await store.beginRestore(releaseId, aborted, ann)).toBeUndefined();
        expect(await store.get(releaseId)).toMatchObject({ mode: 'done', fence: 1, outcome: 'promoted' });
      });

      it('of a release that does not exist is an error, as is its fence', async () => {
        const { releaseId } = fresh();
        await expect(store.beginRestore(releaseId, aborted)).rejects.toBeInstanceOf(NotFoundError);
        await expect(store.readFence(releaseId)).rejects.toBeInstanceOf(NotFoundError);
        expect(await store.get(releaseId)).toBeUndefined();
      });
    });

    it('takes a verification only at the fence in force', async () => {
      const { releaseId } = await reserved();
      expect(await store.noteVerified(releaseId, verified('new', 1))).toBe(true);
      await store.beginRestore(releaseId, aborted);
      expect(await store.noteVerified(releaseId, verified('new', 1))).toBe(false);
      expect(await store.noteVerified(releaseId, verified('stable', 2))).toBe(true);
      expect((await store.get(releaseId))?.verified).toEqual(verified('stable', 2));
      await store.decide(releaseId, { outcome: 'aborted', fence: 2, reasons: [] });
      expect(await store.noteVerified(releaseId, verified('stable', 2))).toBe(false);
    });

    describe('the decision', () => {
      const promote = { outcome: 'promoted', reasons: breached } as const;
      const rollBack = { outcome: 'rolled-back', reasons: breached } as const;

      it('to promote needs traffic verified on the new version at this fence', async () => {
        const { releaseId } = await reserved();
        expect(await store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
        await store.noteVerified(releaseId, verified('stable', 1));
        expect(await store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
        await store.noteVerified(releaseId, verified('new', 1));
        expect(await store.decide(releaseId, { ...promote, fence: 2 })).toBe(false);
        expect(await store.decide(releaseId, { ...rollBack, fence: 1 })).toBe(false);
        expect(await store.decide(releaseId, { ...promote, fence: 1 })).toBe(true);
        expect(await store.get(releaseId)).toMatchObject({
          mode: 'done',
          outcome: 'promoted',
          reasons: breached,
        });
      });

      it('after a restore began is never to promote, and needs traffic verified on stable at the present fence', async () => {
        const { releaseId } = await reserved();
        await store.noteVerified(releaseId, verified('new', 1));
        await store.beginRestore(releaseId, aborted);
        expect(await store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
        expect(await store.decide(releaseId, { ...promote, fence: 2 })).toBe(false);
        expect(await store.decide(releaseId, { ...rollBack, fence: 2 })).toBe(false);
        await store.noteVerified(releaseId, verified('stable', 2));
        await store.beginRestore(releaseId, aborted);
        expect(await store.decide(releaseId, { ...rollBack, fence: 2 })).toBe(false);
        expect(await store.decide(releaseId, { ...rollBack, fence: 3 })).toBe(false);
        await store.noteVerified(releaseId, verified('stable', 3));
        expect(await store.decide(releaseId, { ...rollBack, fence: 3 })).toBe(true);
      });

      it('is made once', async () => {
        const { releaseId } = await promoted();
        expect(await store.decide(releaseId, { ...promote, fence: 1 })).toBe(false);
        expect(await store.decide(releaseId, { ...rollBack, fence: 1 })).toBe(false);
        expect((await store.get(releaseId))?.outcome).toBe('promoted');
      });

      it('and a restore at the same moment: exactly one of them happens', async () => {
        for (let round = 0; round < 10; round += 1) {
          const { releaseId } = await reserved({ environment: `race-${round}` });
          await store.noteVerified(releaseId, verified('new', 1));
          const [decided, begun] = await Promise.all([
            store.decide(releaseId, { ...promote, fence: 1 }),
            store.beginRestore(releaseId, aborted),
          ]);
          expect(decided).toBe(begun === undefined);
        }
      });
    });

    describe('closing', () => {
      it('frees the lock and takes the release out of the open ones, once', async () => {
        const release = await promoted();
        await store.close(release, NOW);
        await store.close(release, LATER);
        expect((await store.get(release.releaseId))?.concludedAt).toBe(NOW);
        const isOpen = async () =>
          (await store.open()).some(({ releaseId }) => releaseId === release.releaseId);
        await vi.waitFor(async () => expect(await isOpen()).toBe(false), { timeout: 10_000 });
        await reserved();
      });

      it('is refused while the release is not done, and the lock stays', async () => {
        const release = await reserved();
        await expect(store.close(release, NOW)).rejects.toThrow();
        expect((await store.get(release.releaseId))?.concludedAt).toBeUndefined();
        expect(await store.reserve(fresh(), key())).toEqual({ kind: 'locked', by: release.releaseId });
      });

      it("a second time does not free the next release's lock", async () => {
        const release = await promoted();
        await store.close(release, NOW);
        const next = await reserved();
        await store.close(release, LATER);
        expect(await store.reserve(fresh(), key())).toEqual({ kind: 'locked', by: next.releaseId });
      });
    });

    it('counts recoveries up only', async () => {
      const { releaseId } = await reserved();
      await store.noteRecovery(releaseId, 2);
      await store.noteRecovery(releaseId, 1);
      expect((await store.get(releaseId))?.recoveries).toBe(2);
    });

    it('changes nothing of a release that does not exist', async () => {
      const { releaseId } = fresh();
      await store.markStarted(releaseId, NOW);
      await store.noteRecovery(releaseId, 1);
      expect(await store.intendWeight(releaseId, 1, weight(5))).toBe(false);
      expect(await store.noteProgress(releaseId, 1, weight(5))).toBe(false);
      expect(await store.noteVerified(releaseId, verified('stable', 1))).toBe(false);
      expect(await store.decide(releaseId, { outcome: 'aborted', fence: 1, reasons: [] })).toBe(false);
      expect(await store.get(releaseId)).toBeUndefined();
    });

    describe('lists', () => {
      const pages = async (filter: { service?: string }, limit: number, pagesMax: number) => {
        const ids: string[] = [];
        let after: string | undefined;
        for (let number = 0; number < pagesMax; number += 1) {
          const page = await store.list({ ...filter, limit, ...(after !== undefined && { after }) });
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
          made.push(await reserved({ environment }, index));
        const newestFirst = made.map(({ releaseId }) => releaseId).reverse();
        await vi.waitFor(
          async () => expect(await pages({ service }, 2, 9)).toEqual({ ids: newestFirst, after: undefined }),
          { timeout: 10_000 },
        );
      });

      it('show all services together', async () => {
        // Later than anything else in a shared table.
        const one = await reserved({}, 5_000_000_000);
        service = `${service.slice(0, 30)}-other`;
        const other = await reserved({}, 5_000_000_001);
        await vi.waitFor(
          async () => expect((await pages({}, 1, 2)).ids).toEqual([other.releaseId, one.releaseId]),
          { timeout: 10_000 },
        );
      });

      it('show what is open, oldest first, with everything that is known of it', async () => {
        const made = [await reserved({ environment: 'one' }), await reserved({ environment: 'two' }, 1)];
        const own = async () => (await store.open()).filter((release) => release.service === service);
        await vi.waitFor(async () => expect(await own()).toEqual(made), { timeout: 10_000 });
      });
    });
  });
};
