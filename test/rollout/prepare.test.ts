import { describe, expect, it } from 'vitest';
import { PolicyDeniedError, TransientError } from '#platform/errors.ts';
import { retireTargets } from '#rollout/retire.ts';
import { isAlone, shareOf } from '#rollout/routing.ts';
import { promoteVersion, shiftToStep } from '#rollout/shift.ts';
import type { MayWrite, Preparation } from '#rollout/traffic-shifter.ts';
import { CANARY, NOW, NOW_MS, planWith, STABLE } from '../builders/release.ts';
import { aMovedRollout, aReadyRollout, type PortHooks } from '../builders/rollout.ts';

const plan = planWith(5, 50, 100);
const cause = [{ code: 'operator-abort', text: 'aborted by ann' }];
const READY: Preparation = { kind: 'ready' };
const WAITING: Preparation = { kind: 'waiting', text: '1 of 3 tasks run' };

/** A rollout on a target whose versions have to be prepared: what each call of `prepare` and `retire` does. */
const preparing = async (
  steps: readonly ((mayWrite: MayWrite) => Promise<Preparation>)[],
  make: typeof aReadyRollout = aReadyRollout,
  hooks: PortHooks = {},
) => {
  const rollout = await make(hooks, { plan });
  const left = [...steps];
  const { shifter } = rollout.ports;
  const ports = {
    ...rollout.ports,
    shifter: {
      ...shifter,
      inspect: shifter.inspect,
      readRouting: shifter.readRouting,
      setWeight: shifter.setWeight,
      promote: shifter.promote,
      restore: shifter.restore,
      prepare: async (_target: unknown, _version: string, mayWrite: MayWrite) =>
        (await left.shift()?.(mayWrite)) ?? READY,
      retire: async (_target: unknown, mayWrite: MayWrite) => void (await left.shift()?.(mayWrite)),
    },
  };
  return { ...rollout, ports };
};
const writes = async (mayWrite: MayWrite) => {
  expect(await mayWrite()).toBe(true);
  return WAITING;
};

describe('a version that has to be prepared', () => {
  it('gets no traffic, and no weight is intended, before it is ready', async () => {
    const { ports, releaseId, types, present, shifter } = await preparing([writes, async () => WAITING]);
    for (const since of [undefined, NOW_MS - 10_000])
      expect(await shiftToStep(ports, releaseId, 1, 0, since)).toEqual({ waitingFor: '1 of 3 tasks run' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(present().progress).toBeUndefined();
    expect(types()).toEqual(['release.preparation.intended']);
    expect(await shiftToStep(ports, releaseId, 1, 0, NOW_MS - 20_000)).toBe('done');
    expect(types()).toEqual([
      'release.preparation.intended',
      'release.preparation.done',
      'release.shift.intended',
      'release.shift.done',
    ]);
  });

  it('is told of only where something had to be done for it', async () => {
    const { ports, releaseId, types } = await preparing([]);
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('done');
    expect(types()).toEqual(['release.shift.intended', 'release.shift.done']);
  });

  it('is told of once, however many steps it takes', async () => {
    const { ports, releaseId, types } = await preparing([writes, writes]);
    await shiftToStep(ports, releaseId, 1, 0);
    await shiftToStep(ports, releaseId, 1, 0, NOW_MS);
    expect(types()).toEqual(['release.preparation.intended']);
  });

  it('is left alone once a restore began, whenever that is', async () => {
    for (const when of ['before', 'between'] as const) {
      let allowed: boolean | undefined;
      const rollout = await preparing([
        async (mayWrite) => {
          if (when === 'before') await rollout.releases.beginRestore(rollout.releaseId, cause);
          allowed = await mayWrite();
          return WAITING;
        },
      ]);
      const { append } = rollout.ports.ledger;
      const ports = {
        ...rollout.ports,
        ledger: {
          ...rollout.ports.ledger,
          append: async (...record: Parameters<typeof append>) => {
            await rollout.releases.beginRestore(rollout.releaseId, cause);
            return rollout.ledger.append(...record);
          },
        },
      };
      expect(await shiftToStep(ports, rollout.releaseId, 1, 0)).toBe('fenced');
      expect(allowed, when).toBe(false);
    }
  });

  it('has nothing done to it without the intent in the ledger', async () => {
    let allowed: boolean | undefined;
    const rollout = await preparing([
      async (mayWrite) => {
        allowed = await mayWrite();
        return WAITING;
      },
    ]);
    const ledger = {
      ...rollout.ports.ledger,
      append: async () => {
        throw new TransientError('no answer');
      },
    };
    await expect(shiftToStep({ ...rollout.ports, ledger }, rollout.releaseId, 1, 0)).rejects.toBeInstanceOf(
      TransientError,
    );
    expect(allowed).toBeUndefined();
  });

  it('that never will be ready ends the release, and says why', async () => {
    const unfit: Preparation = { kind: 'unfit', code: 'failed-deployment', text: 'ECS gave up' };
    const { ports, releaseId } = await preparing([async () => unfit]);
    await expect(shiftToStep(ports, releaseId, 1, 0)).rejects.toThrow('ECS gave up');
  });

  it('may take half an hour before anybody gets it, and then ends the release with what it waited for', async () => {
    const { ports, releaseId } = await preparing([async () => WAITING, async () => WAITING]);
    expect(await shiftToStep(ports, releaseId, 1, 0, NOW_MS - 1_799_000)).toMatchObject({
      waitingFor: '1 of 3 tasks run',
    });
    const late = shiftToStep(ports, releaseId, 1, 0, NOW_MS - 1_800_000);
    await expect(late).rejects.toBeInstanceOf(PolicyDeniedError);
    await expect(late).rejects.toThrow(/1800 s: 1 of 3 tasks run/);
  });

  it('may take three minutes once it has traffic, because nobody looks at it meanwhile', async () => {
    const moved: typeof aReadyRollout = (hooks, overrides) => aMovedRollout(5, hooks, overrides);
    const { ports, releaseId } = await preparing([async () => WAITING, async () => WAITING], moved);
    expect(await shiftToStep(ports, releaseId, 1, 1, NOW_MS - 179_000)).toMatchObject({});
    await expect(shiftToStep(ports, releaseId, 1, 1, NOW_MS - 180_000)).rejects.toThrow(/180 s/);
  });

  it('whose release was stopped while it waited is not refused for being late', async () => {
    const { ports, releaseId, releases } = await preparing([async () => WAITING]);
    await releases.beginRestore(releaseId, cause);
    expect(await shiftToStep(ports, releaseId, 1, 0, NOW_MS - 1_800_000)).toBe('fenced');
  });
});

describe('a shift whose outcome could not be told', () => {
  it('is told when it is asked for again, without waiting for a canary that has its traffic already', async () => {
    let fails = true;
    const { ports, releaseId, shifter, types } = await preparing(
      [async () => READY, async () => WAITING],
      aReadyRollout,
      {
        ledger: {
          before: (_, [batch]) => {
            if (!fails || !String(batch).endsWith('done')) return;
            fails = false;
            throw new TransientError('no answer');
          },
        },
      },
    );
    await expect(shiftToStep(ports, releaseId, 1, 0)).rejects.toBeInstanceOf(TransientError);
    expect(shareOf(shifter.routing(), CANARY)).toBe(5);
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('done');
    expect(types()).toEqual(['release.shift.intended', 'release.shift.done']);
  });
});

describe('a version that is promoted without a step before', () => {
  const rollback: typeof aReadyRollout = (hooks, overrides) =>
    aReadyRollout(hooks, {
      ...overrides,
      strategy: 'rollback',
      plan: { ...plan, name: 'rollback', stages: [], watchSeconds: 0 },
    });

  it('gets no traffic before it is ready for all of it', async () => {
    const { ports, releaseId, types, present, shifter } = await preparing(
      [writes, async () => WAITING],
      rollback,
    );
    for (const since of [undefined, NOW_MS - 10_000])
      expect(await promoteVersion(ports, releaseId, 1, since)).toEqual({ waitingFor: '1 of 3 tasks run' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(present().progress).toBeUndefined();
    expect(types()).toEqual(['release.preparation.intended']);
    expect(await promoteVersion(ports, releaseId, 1, NOW_MS - 20_000)).toBe('done');
    expect(isAlone(shifter.routing(), CANARY)).toBe(true);
    expect(types()).toEqual([
      'release.preparation.intended',
      'release.preparation.done',
      'release.promotion.intended',
      'release.promotion.done',
    ]);
  });

  it('is not prepared again once its promotion was intended', async () => {
    const { ports, releaseId } = await preparing([async () => READY, async () => WAITING], rollback);
    expect(await promoteVersion(ports, releaseId, 1)).toBe('done');
    expect(await promoteVersion(ports, releaseId, 1)).toBe('done');
  });

  it('is left alone once a restore began', async () => {
    const { ports, releaseId, releases, shifter } = await preparing(
      [async (mayWrite) => ((await mayWrite()) ? READY : WAITING)],
      rollback,
    );
    await releases.beginRestore(releaseId, cause);
    expect(await promoteVersion(ports, releaseId, 1)).toBe('fenced');
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('has half an hour, and then ends with what it waited for', async () => {
    const { ports, releaseId, shifter } = await preparing([async () => WAITING], rollback);
    const late = promoteVersion(ports, releaseId, 1, NOW_MS - 1_800_000);
    await expect(late).rejects.toThrow(/1800 s: 1 of 3 tasks run/);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });
});

describe('what preparing took', () => {
  /** As a restore leaves it that brought traffic back and read it there. */
  const restored = async ({
    releases,
    releaseId,
  }: Pick<Awaited<ReturnType<typeof preparing>>, 'releases' | 'releaseId'>) => {
    const begun = await releases.beginRestore(releaseId, cause);
    await releases.noteVerified(releaseId, { at: 'stable', fence: begun?.fence ?? 0, time: NOW });
  };

  it('is given back while the release still holds its locks, and told of', async () => {
    const rollout = await preparing([writes]);
    const { ports, releaseId, types } = rollout;
    await restored(rollout);
    await retireTargets(ports, releaseId);
    expect(types()).toEqual(['release.retirement.intended', 'release.retirement.done']);
  });

  it('is kept while a restore is on its way to where it is', async () => {
    for (const when of ['before', 'between', 'after'] as const) {
      const rollout = await preparing([
        async (mayWrite) => {
          if (when === 'between') await rollout.releases.beginRestore(rollout.releaseId, cause);
          allowed.push(await mayWrite());
          if (when === 'after') await rollout.releases.beginRestore(rollout.releaseId, cause);
          allowed.push(await mayWrite());
          return READY;
        },
      ]);
      const allowed: boolean[] = [];
      const { ports, releaseId, releases, types } = rollout;
      await releases.noteVerified(releaseId, { at: 'new', fence: 1, time: NOW });
      if (when === 'before') await releases.beginRestore(releaseId, cause);
      await retireTargets(ports, releaseId);
      expect(allowed, when).toEqual([when === 'after', false]);
      expect(types(), when).not.toContain('release.retirement.done');
    }
  });

  it('is told of only where there was something', async () => {
    const { ports, releaseId, types } = await preparing([]);
    await retireTargets(ports, releaseId);
    expect(types()).toEqual([]);
  });

  it('is somebody else’s once the release has ended', async () => {
    let allowed: boolean | undefined;
    const { ports, releaseId, releases, types } = await preparing([
      async (mayWrite) => {
        allowed = await mayWrite();
        return READY;
      },
    ]);
    const ended = {
      ...ports,
      releases: {
        ...releases,
        get: releases.get,
        readFence: async () => ({ mode: 'done', fence: 2 }) as const,
      },
    };
    await retireTargets(ended, releaseId);
    expect(allowed).toBe(false);
    expect(types()).toEqual([]);
  });
});
