import { beforeEach, describe, expect, it } from 'vitest';
import { ConflictError } from '#platform/errors.ts';
import { isAlone, isAt } from '#rollout/routing.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

/** A target of its own for each test, all of its traffic on the stable version. */
export interface ShifterFixture<Target> {
  readonly shifter: TrafficShifter<Target>;
  readonly target: Target;
  readonly missingTarget: Target;
  readonly stable: string;
  readonly canary: string;
  /** Another version that exists, and one that doesn't. */
  readonly other: string;
  readonly missing: string;
  /** What inspecting calls the latter; `no-version` where existence can be seen. */
  readonly missingCode?: string;
  /** Somebody else, by means of their own, moves some of the traffic to `other`, or all of it. */
  readonly drift: () => Promise<unknown> | unknown;
}

const always = async (): Promise<boolean> => true;

/** What every traffic shifter does, whatever it moves. */
export const trafficShifterContract = <Target>(
  name: string,
  make: () => Promise<ShifterFixture<Target>> | ShifterFixture<Target>,
): void => {
  describe(`traffic shifter: ${name}`, () => {
    let fixture: ShifterFixture<Target>;
    const routing = () => fixture.shifter.readRouting(fixture.target);
    const revision = async () => (await routing()).revision;
    /** As a release does: until it is ready, a step at a time. */
    const ready = async (version: string) => {
      for (let step = 0; step < 20; step += 1) {
        const { kind } = await fixture.shifter.prepare(fixture.target, version, always);
        if (kind === 'ready') return;
      }
      expect.fail(`${version} was not ready after 20 steps`);
    };
    const weigh = async (weightPercent: number, at?: string) => {
      const { shifter, target, stable, canary } = fixture;
      await ready(canary);
      await shifter.setWeight(target, { stable, canary, weightPercent }, at ?? (await revision()));
    };

    beforeEach(async () => {
      fixture = await make();
    });

    it('reads back exactly the weight that was set', async () => {
      const { stable, canary } = fixture;
      for (const weightPercent of [1, 5, 33, 50, 100, 7, 0]) {
        await weigh(weightPercent);
        expect(isAt(await routing(), { stable, canary, weightPercent })).toBe(true);
      }
      expect(isAlone(await routing(), stable)).toBe(true);
    });

    it('splits traffic between two versions and never more', async () => {
      const { shifter, target, stable, canary, other } = fixture;
      await weigh(30);
      expect((await routing()).weights).toEqual({ [canary]: 30 });
      await shifter.restore(target, stable);
      await ready(other);
      await shifter.setWeight(target, { stable, canary: other, weightPercent: 10 }, await revision());
      expect((await routing()).weights).toEqual({ [other]: 10 });
      await shifter.promote(target, other, await revision());
      await ready(canary);
      await shifter.setWeight(target, { stable: other, canary, weightPercent: 20 }, await revision());
      expect(await routing()).toMatchObject({ primary: other, weights: { [canary]: 20 } });
    });

    it('moves no traffic by preparing, however often, nor by giving back what that took', async () => {
      const { shifter, target, stable, canary } = fixture;
      const before = await routing();
      await ready(canary);
      await ready(canary);
      expect(await routing()).toEqual(before);
      await weigh(40);
      await ready(canary);
      await shifter.retire(target, always);
      expect(isAt(await routing(), { stable, canary, weightPercent: 40 })).toBe(true);
      await shifter.promote(target, canary, await revision());
      await shifter.retire(target, always);
      expect(isAlone(await routing(), canary)).toBe(true);
    });

    it('finds a version ready that was retired, once it has been prepared again', async () => {
      const { shifter, target, stable, canary } = fixture;
      await weigh(100);
      await shifter.promote(target, canary, await revision());
      await shifter.retire(target, always);
      await ready(stable);
      await shifter.setWeight(target, { stable: canary, canary: stable, weightPercent: 5 }, await revision());
      expect(isAt(await routing(), { stable: canary, canary: stable, weightPercent: 5 })).toBe(true);
    });

    it('notices that somebody else moved the traffic, and a restore brings it back all the same', async () => {
      const { shifter, target, stable, canary, drift } = fixture;
      await weigh(5);
      const left = await revision();
      await drift();
      expect(isAt(await routing(), { stable, canary, weightPercent: 5 })).toBe(false);
      await expect(shifter.promote(target, canary, left)).rejects.toBeInstanceOf(ConflictError);
      await shifter.restore(target, stable);
      expect(isAlone(await routing(), stable)).toBe(true);
    });

    it('promotes to one version alone', async () => {
      const { shifter, target, canary } = fixture;
      await weigh(100);
      await shifter.promote(target, canary, await revision());
      expect(isAlone(await routing(), canary)).toBe(true);
    });

    it('restores from any weight and from a promotion', async () => {
      const { shifter, target, stable, canary } = fixture;
      await weigh(50);
      await shifter.restore(target, stable);
      expect(isAlone(await routing(), stable)).toBe(true);
      await shifter.promote(target, canary, await revision());
      await shifter.restore(target, stable);
      expect(isAlone(await routing(), stable)).toBe(true);
    });

    it('gives every write a new revision, also one that changes nothing else', async () => {
      const { shifter, target, stable } = fixture;
      const seen = [await revision()];
      for (const write of [
        () => shifter.restore(target, stable),
        () => shifter.restore(target, stable),
        () => weigh(5),
        () => weigh(5),
      ]) {
        await write();
        seen.push(await revision());
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(await revision()).toBe(seen.at(-1));
    });

    it('refuses a write that names an older revision, and leaves traffic where it is', async () => {
      const { shifter, target, stable, canary } = fixture;
      const old = await revision();
      await weigh(5);
      await expect(weigh(50, old)).rejects.toBeInstanceOf(ConflictError);
      await expect(shifter.promote(target, canary, old)).rejects.toBeInstanceOf(ConflictError);
      await expect(shifter.restore(target, stable, old)).rejects.toBeInstanceOf(ConflictError);
      expect(isAt(await routing(), { stable, canary, weightPercent: 5 })).toBe(true);
    });

    it('lets a restore without a revision win, and a write it overtook fail', async () => {
      const { shifter, target, stable } = fixture;
      const readBeforeTheFence = await revision();
      await shifter.restore(target, stable);
      await expect(weigh(5, readBeforeTheFence)).rejects.toBeInstanceOf(ConflictError);
      expect(isAlone(await routing(), stable)).toBe(true);
    });

    it('finds a target fit when all its traffic is on another version that exists', async () => {
      const { shifter, target, stable, canary } = fixture;
      const before = await routing();
      expect(await shifter.inspect(target, canary)).toMatchObject({
        kind: 'fit',
        snapshot: { stableVersion: stable },
      });
      expect(await routing()).toEqual(before);
    });

    it('finds a target unfit, and says why, before anything moves', async () => {
      const { shifter, target, missingTarget, stable, canary, other, missing } = fixture;
      expect(await shifter.inspect(target, missing)).toMatchObject({
        kind: 'unfit',
        code: fixture.missingCode ?? 'no-version',
      });
      expect(await shifter.inspect(target, stable)).toMatchObject({ kind: 'unfit', code: 'already-running' });
      expect(await shifter.inspect(missingTarget, canary)).toMatchObject({
        kind: 'unfit',
        code: 'no-target',
      });
      await weigh(5);
      for (const version of [canary, other])
        expect(await shifter.inspect(target, version)).toMatchObject({
          kind: 'unfit',
          code: 'already-weighted',
        });
    });

    it('tells without a release who has the traffic, and what would keep one from beginning', async () => {
      const { shifter, target, missingTarget, stable, canary } = fixture;
      expect(await shifter.examine(target)).toMatchObject({
        kind: 'found',
        routing: { primary: stable, weights: {} },
        unfit: [],
      });
      expect(await shifter.examine(missingTarget)).toMatchObject({ kind: 'absent' });
      await weigh(5);
      expect(await shifter.examine(target)).toMatchObject({
        kind: 'found',
        routing: { primary: stable, weights: { [canary]: 5 } },
        unfit: [{ code: 'already-weighted' }],
      });
    });
  });
};
