import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import { isAlone, isAt, shareOf } from '#rollout/routing.ts';
import { promoteVersion, shiftToStep } from '#rollout/shift.ts';
import { experimentPlan } from '../builders/experiment.ts';
import {
  CANARY,
  checkoutTarget,
  NEXT,
  planWith,
  progressAt,
  releaseIdOf,
  STABLE,
} from '../builders/release.ts';
import { aMovedRollout, aReadyRollout, aRollout } from '../builders/rollout.ts';
import { memoryShifter } from '../fakes/memory-shifter.ts';

const plan = planWith(5, 50, 100);
const cause = [{ code: 'operator-abort', text: 'aborted by ann' }];
const at = (weightPercent: number) => ({ stable: STABLE, canary: CANARY, weightPercent });
const unavailable = () => {
  throw new TransientError('no answer');
};

describe('a shift', () => {
  it('goes through every stage, each with its intent before and its outcome after', async () => {
    const { ports, releaseId, shifter, ledger, present } = await aReadyRollout({}, { plan });
    for (const [stage, { weightPercent }] of plan.stages.entries()) {
      expect(await shiftToStep(ports, releaseId, 1, stage)).toBe('done');
      expect(isAt(shifter.routing(), at(weightPercent))).toBe(true);
      expect(present().progress).toEqual(progressAt(stage, weightPercent, 3));
      expect(ledger.records.slice(-2)).toMatchObject([
        { event: { type: 'release.shift.intended' }, data: { stage, weightPercent, stable: STABLE } },
        { event: { type: 'release.shift.done' }, data: { stage, weightPercent, stable: STABLE } },
      ]);
    }
    expect(ledger.records).toHaveLength(6);
  });

  it('done again changes and tells nothing', async () => {
    const { ports, releaseId, shifter, ledger } = await aReadyRollout({}, { plan });
    await shiftToStep(ports, releaseId, 1, 0);
    const before = shifter.routing();
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('done');
    expect(shifter.routing()).toEqual(before);
    expect(ledger.records).toHaveLength(2);
  });

  it('has no effect without its intent in the ledger', async () => {
    const { ports, releaseId, shifter } = await aReadyRollout({ ledger: { before: unavailable } }, { plan });
    await expect(shiftToStep(ports, releaseId, 1, 0)).rejects.toBeInstanceOf(TransientError);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('is finished by a repetition when the answer to its write was lost', async () => {
    let lost = false;
    const { ports, releaseId, shifter, types } = await aReadyRollout(
      {
        shifter: {
          after: (method) => {
            if (method !== 'setWeight' || lost) return;
            lost = true;
            unavailable();
          },
        },
      },
      { plan },
    );
    await expect(shiftToStep(ports, releaseId, 1, 0)).rejects.toBeInstanceOf(TransientError);
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('done');
    expect(isAt(shifter.routing(), at(5))).toBe(true);
    expect(types()).toEqual(['release.shift.intended', 'release.shift.done']);
  });

  it('stops when someone else moved the traffic, and leaves it to them', async () => {
    const { ports, releaseId, shifter, target, types } = await aReadyRollout({}, { plan });
    await shifter.setWeight(target, { ...at(30), canary: NEXT }, shifter.routing().revision);
    const before = shifter.routing();
    const shift = shiftToStep(ports, releaseId, 1, 0);
    await expect(shift).rejects.toBeInstanceOf(ConflictError);
    await expect(shift).rejects.toThrow(/1 \(70 %\), 3 \(30 %\)/);
    expect(shifter.routing()).toEqual(before);
    expect(types()).toEqual([]);
  });

  it('stops when someone else writes between its reading and its write', async () => {
    const { ports, releaseId, shifter, target } = await aReadyRollout(
      {
        shifter: {
          before: async (method) => {
            if (method === 'setWeight') await shifter.promote(target, NEXT, shifter.routing().revision);
          },
        },
      },
      { plan },
    );
    await expect(shiftToStep(ports, releaseId, 1, 0)).rejects.toBeInstanceOf(ConflictError);
    expect(isAlone(shifter.routing(), NEXT)).toBe(true);
  });

  it('does not skip a stage', async () => {
    const { ports, releaseId, shifter } = await aReadyRollout({}, { plan });
    await expect(shiftToStep(ports, releaseId, 1, 1)).rejects.toBeInstanceOf(ConflictError);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('is tried again while the target does not show what was set', async () => {
    const { ports, releaseId, shifter } = await aReadyRollout({}, { plan });
    const deaf = { ...ports.shifter, readRouting: shifter.readRouting, setWeight: async () => {} };
    await expect(shiftToStep({ ...ports, shifter: deaf }, releaseId, 1, 0)).rejects.toThrow(/1 \(100 %\)/);
  });

  it('needs a snapshot, a stage of the plan and a release', async () => {
    const { ports, releaseId, shifter } = await aRollout({}, { plan });
    await expect(shiftToStep(ports, releaseId, 1, 0)).rejects.toBeInstanceOf(NotFoundError);
    await expect(shiftToStep(ports, releaseIdOf(9), 1, 0)).rejects.toBeInstanceOf(NotFoundError);
    const ready = await aReadyRollout({}, { plan });
    await expect(shiftToStep(ready.ports, ready.releaseId, 1, 3)).rejects.toBeInstanceOf(NotFoundError);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });
});

describe('a shift that meets a restore', () => {
  it.each(['intendStep', 'readFence'])('is fenced when the restore began before %s', async (method) => {
    const { ports, releaseId, releases, shifter } = await aReadyRollout(
      {
        releases: {
          before: async (called) => {
            if (called === method) await releases.beginRestore(releaseId, cause);
          },
        },
      },
      { plan },
    );
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('fenced');
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('takes back what it moved when the restore began while its write was on the way', async () => {
    const { ports, releaseId, releases, shifter, types } = await aReadyRollout(
      {
        shifter: {
          before: async (method) => {
            if (method === 'setWeight') await releases.beginRestore(releaseId, cause);
          },
        },
      },
      { plan },
    );
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('fenced');
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(types()).toEqual(['release.shift.intended']);
  });

  it('does not overwrite what came after its own write', async () => {
    const { ports, releaseId, releases, shifter, target } = await aReadyRollout(
      {
        shifter: {
          before: async (method, args) => {
            if (method === 'setWeight') await releases.beginRestore(releaseId, cause);
            if (method === 'restore' && args[2] !== undefined)
              await shifter.promote(target, NEXT, shifter.routing().revision);
          },
        },
      },
      { plan },
    );
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('fenced');
    expect(isAlone(shifter.routing(), NEXT)).toBe(true);
  });

  it('says it is fenced, and moves nothing more, when it cannot read whether a restore began', async () => {
    let reads = 0;
    const { ports, releaseId, shifter } = await aReadyRollout(
      {
        releases: {
          before: (method) => {
            if (method === 'readFence' && ++reads > 1) unavailable();
          },
        },
      },
      { plan },
    );
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('fenced');
    expect(shareOf(shifter.routing(), CANARY)).toBe(5);
  });
});

describe('a promotion', () => {
  it('makes the new version the only one and notes that traffic was verified there', async () => {
    const { ports, releaseId, shifter, types, present } = await aMovedRollout(100);
    expect(await promoteVersion(ports, releaseId, 1)).toBe('done');
    expect(isAlone(shifter.routing(), CANARY)).toBe(true);
    expect(present().verified).toMatchObject({ at: 'new', fence: 1 });
    expect(types()).toEqual(['release.promotion.intended', 'release.promotion.done']);
  });

  it("keeps what people were shown of the last stage's look", async () => {
    const { ports, releaseId, releases, present } = await aMovedRollout(100);
    const seen = { ...progressAt(1, 100), score: 99, verdict: 'promote' };
    await releases.intendStep(releaseId, 1, progressAt(1, 100));
    await releases.noteProgress(releaseId, 1, seen);
    await promoteVersion(ports, releaseId, 1);
    expect(present().progress).toEqual(seen);
  });

  it('done again changes and tells nothing', async () => {
    const { ports, releaseId, shifter, ledger } = await aMovedRollout(100);
    await promoteVersion(ports, releaseId, 1);
    const before = shifter.routing();
    expect(await promoteVersion(ports, releaseId, 1)).toBe('done');
    expect(shifter.routing()).toEqual(before);
    expect(ledger.records).toHaveLength(2);
  });

  it.each([50, 99])('does not happen from %s %%: the last stage was not reached', async (weightPercent) => {
    const { ports, releaseId, shifter } = await aMovedRollout(weightPercent);
    await expect(promoteVersion(ports, releaseId, 1)).rejects.toBeInstanceOf(ConflictError);
    expect(shareOf(shifter.routing(), CANARY)).toBe(weightPercent);
  });

  it('is fenced when a restore began before it could be noted', async () => {
    const { ports, releaseId, releases, present } = await aMovedRollout(100, {
      releases: {
        before: async (method) => {
          if (method === 'noteVerified') await releases.beginRestore(releaseId, cause);
        },
      },
    });
    expect(await promoteVersion(ports, releaseId, 1)).toBe('fenced');
    expect(present().verified).toBeUndefined();
  });
});

describe('an experiment', () => {
  it.each([
    ['cookie', { primary: STABLE, weights: { [CANARY]: 50 }, sticky: true }],
    ['header', { primary: STABLE, weights: {} }],
  ] as const)('by %s keeps callers with one version, and its promotion ends that', async (by, split) => {
    const plan = experimentPlan({ split: { by, weightPercent: 50 } });
    const { ports, releaseId, shifter, ledger, present } = await aReadyRollout({}, { plan });
    const testers = memoryShifter({ versions: [STABLE, CANARY], hasTesters: true });
    const all = { ...ports, shifter: testers };
    expect(await shiftToStep(all, releaseId, 1, 0)).toBe('done');
    expect(testers.routing()).toEqual({ ...split, testers: CANARY, revision: expect.any(String) });
    expect(ledger.records.at(-1)?.data).toMatchObject({ kind: 'experiment', split: by, weightPercent: 50 });
    expect(await shiftToStep(all, releaseId, 1, 0)).toBe('done');
    const experiment = {
      verdict: 'running',
      winner: 'none',
      enough: false,
      n: { canary: 1, stable: 1 },
    } as const;
    await ports.releases.noteProgress(releaseId, 1, {
      ...progressAt(0, 50, 3),
      kind: 'experiment',
      experiment,
    });
    expect(await shiftToStep(all, releaseId, 1, 1)).toBe('done');
    expect(isAt(testers.routing(), { ...at(100) })).toBe(true);
    expect(present().progress).toMatchObject({ kind: 'stage', weightPercent: 100, experiment });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('whose callers somebody else lets move is not gone on with', async () => {
    const { ports, releaseId, shifter } = await aReadyRollout({}, { plan: experimentPlan() });
    await shiftToStep(ports, releaseId, 1, 0);
    await shifter.setWeight(checkoutTarget, at(50), shifter.routing().revision);
    await expect(shiftToStep(ports, releaseId, 1, 1)).rejects.toThrow('someone else moved the traffic');
  });
});
