import { describe, expect, it } from 'vitest';
import { ConflictError, InvalidRequestError, NotFoundError, TransientError } from '#platform/errors.ts';
import { concludeRelease } from '#releases/conclude.ts';
import { restoreTraffic } from '#rollout/restore.ts';
import { isAlone, shareOf } from '#rollout/routing.ts';
import {
  ann,
  aRelease,
  aWave,
  CANARY,
  checkoutTarget,
  NOW,
  releaseIdOf,
  STABLE,
} from '../builders/release.ts';
import { aMovedRollout, aReadyRollout, type PortHooks } from '../builders/rollout.ts';
import type { Hooks } from '../fakes/hooked.ts';

const cause = [{ code: 'evidence', text: 'rolled back: 20 of 60 errors' }];
const unavailable = () => {
  throw new TransientError('no answer');
};

/** A release whose canary has half of the traffic. */
const halfway = (hooks: PortHooks = {}) => aMovedRollout(50, hooks);

describe('a restore', () => {
  it('raises the fence, tells its intent, brings traffic back, proves it and tells the outcome, in this order', async () => {
    const calls: string[] = [];
    const note = (port: string): Hooks => ({ before: (method) => calls.push(`${port}.${method}`) });
    const { ports, releaseId, shifter, releases, types } = await halfway({
      releases: note('releases'),
      shifter: note('shifter'),
      ledger: note('ledger'),
    });
    expect(await restoreTraffic(ports, { releaseId, cause })).toEqual({ kind: 'restored', fence: 2 });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(types()).toEqual(['release.restore.intended', 'release.restore.done']);
    expect(releases.peek(releaseId)).toMatchObject({
      mode: 'restoring',
      fence: 2,
      restoreCause: cause,
      verified: { at: 'stable', fence: 2 },
    });
    const order = ['releases.beginRestore', 'ledger.append', 'shifter.restore', 'releases.noteVerified'];
    expect(calls.filter((call) => order.includes(call))).toEqual([
      'releases.beginRestore',
      'ledger.append',
      'shifter.restore',
      'ledger.append',
      'releases.noteVerified',
    ]);
    expect(calls.lastIndexOf('shifter.readRouting')).toBeGreaterThan(calls.indexOf('shifter.restore'));
  });

  it('done twice leaves traffic where it is and counts at the newer fence', async () => {
    const { ports, releaseId, shifter, releases } = await halfway();
    await restoreTraffic(ports, { releaseId, cause });
    expect(await restoreTraffic(ports, { releaseId, cause })).toEqual({ kind: 'restored', fence: 3 });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(releases.peek(releaseId)?.verified).toMatchObject({ at: 'stable', fence: 3 });
  });

  it('has nothing to bring back before the snapshot, and the release can end', async () => {
    const { ports, releases, shifter } = await halfway();
    const other = aRelease({
      releaseId: releaseIdOf(2),
      environment: 'staging',
      waves: [aWave({ target: { ...checkoutTarget, alias: 'staging' } })],
    });
    await releases.reserve(other, { value: 'other', requestDigest: 'digest' });
    const before = shifter.routing();
    const result = await restoreTraffic(ports, { releaseId: other.releaseId, cause });
    expect(result).toEqual({ kind: 'nothing-moved', fence: 2 });
    expect(shifter.routing()).toEqual(before);
    const decision = { outcome: 'aborted', fence: 2, reasons: [] } as const;
    expect(await releases.decide(other.releaseId, decision)).toBe(true);
  });

  it('before the first intent writes stable all the same, and says that nothing had moved', async () => {
    const { ports, releaseId, shifter, types } = await aReadyRollout();
    expect(await restoreTraffic(ports, { releaseId, cause })).toEqual({ kind: 'nothing-moved', fence: 2 });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(types()).toEqual(['release.restore.intended', 'release.restore.done']);
  });

  it('of a release that has ended touches nothing', async () => {
    const { ports, releaseId, releases, shifter, types } = await halfway();
    await releases.noteVerified(releaseId, { at: 'new', fence: 1, time: NOW });
    await releases.decide(releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
    const before = shifter.routing();
    expect(await restoreTraffic(ports, { releaseId, cause, abortedBy: ann })).toEqual({ kind: 'done' });
    expect(shifter.routing()).toEqual(before);
    expect(types()).toEqual([]);
  });

  it('tells who aborted it, and why, before anything else', async () => {
    const { ports, releaseId, releases, ledger } = await halfway();
    await restoreTraffic(ports, { releaseId, cause, abortedBy: ann });
    expect(releases.peek(releaseId)?.abortedBy).toEqual(ann);
    expect(ledger.records[0]).toMatchObject({
      event: { type: 'release.abort.accepted' },
      actor: ann,
      data: { reasons: cause },
    });
  });

  it('is told as aborted once for a command, however often that is delivered', async () => {
    const { ports, releaseId, types } = await halfway();
    for (const key of ['k1', 'k1', 'k2'])
      await restoreTraffic(ports, { releaseId, cause, abortedBy: ann, key });
    expect(types().filter((type) => type === 'release.abort.accepted')).toHaveLength(2);
  });

  it('of an unknown release is an error, with or without a carried target', async () => {
    const { ports, carried, shifter } = await halfway();
    const before = shifter.routing();
    for (const more of [{}, { carried }])
      await expect(
        restoreTraffic(ports, { releaseId: releaseIdOf(9), cause, ...more }),
      ).rejects.toBeInstanceOf(NotFoundError);
    expect(shifter.routing()).toEqual(before);
  });
});

describe('a restore while something is down', () => {
  it('goes ahead without the ledger: its records go to the queue, and come in late', async () => {
    const { ports, releaseId, shifter, ledger, types } = await halfway();
    ledger.down = true;
    expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(types()).toEqual([]);
    ledger.down = false;
    await ledger.drain();
    expect(types()).toEqual(['release.restore.intended', 'release.restore.done']);
    expect(ledger.records.every(({ data }) => data.late === true)).toBe(true);
  });

  it('goes ahead when the ledger will never take its records, and does not queue what would be refused again', async () => {
    const { ports, releaseId, shifter, ledger } = await halfway({
      ledger: {
        before: () => {
          throw new InvalidRequestError('the batch is not valid');
        },
      },
    });
    expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(ledger.spooled).toEqual([]);
  });

  it('goes ahead without the ledger and its queue', async () => {
    const { ports, releaseId, releases, shifter, troubles } = await halfway({
      ledger: { before: unavailable },
      spool: { before: unavailable },
    });
    expect(await restoreTraffic(ports, { releaseId, cause, abortedBy: ann })).toMatchObject({
      kind: 'restored',
    });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(releases.peek(releaseId)?.verified).toMatchObject({ at: 'stable' });
    expect(troubles).not.toEqual([]);
  });

  it('goes ahead without any state, by what the workflow carries, and is repeated until that could be noted', async () => {
    const { ports, releaseId, shifter, carried, types } = await halfway({
      releases: { before: unavailable },
    });
    await expect(restoreTraffic(ports, { releaseId, cause, carried })).rejects.toBeInstanceOf(TransientError);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(types()).toEqual(['release.restore.intended', 'release.restore.done']);
  });

  it('goes ahead by what the workflow carries when the state can be written but not read', async () => {
    const { ports, releaseId, releases, shifter, carried } = await halfway({
      releases: { before: (method) => (method === 'get' ? unavailable() : undefined) },
    });
    await expect(restoreTraffic(ports, { releaseId, cause, carried })).rejects.toBeInstanceOf(TransientError);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(releases.peek(releaseId)?.mode).toBe('restoring');
  });

  it('says that it could not, when it has neither state nor target', async () => {
    const { ports, releaseId, shifter } = await halfway({ releases: { before: unavailable } });
    await expect(restoreTraffic(ports, { releaseId, cause })).rejects.toBeInstanceOf(TransientError);
    expect(shareOf(shifter.routing(), CANARY)).toBe(50);
  });

  it('goes ahead when it can no longer find out whether it is still wanted', async () => {
    const { ports, releaseId, shifter } = await halfway({
      releases: { before: (method) => (method === 'readFence' ? unavailable() : undefined) },
    });
    expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('is an error as long as traffic is read back anywhere else, and is not noted', async () => {
    const { ports, releaseId, releases, types } = await halfway();
    const elsewhere = { primary: STABLE, weights: { [CANARY]: 50 }, revision: 'r' };
    const shifter = { ...ports.shifter, readRouting: async () => elsewhere, restore: async () => {} };
    await expect(restoreTraffic({ ...ports, shifter }, { releaseId, cause })).rejects.toThrow(
      /1 \(50 %\), 2 \(50 %\)/,
    );
    expect(releases.peek(releaseId)?.verified).toBeUndefined();
    expect(types()).toEqual(['release.restore.intended']);
  });
});

describe('a restore that comes while another one ends the release', () => {
  /** Aborted once; the workflow's own restore and the conclusion run in front of `moment` of a second abort. */
  const overtakenAt = async (moment: string) => {
    let due = false;
    const workflow = async (): Promise<void> => {
      due = false;
      await restoreTraffic(plane.ports, { releaseId: plane.releaseId, cause });
      await concludeRelease(plane.ports, plane.releaseId, 'restored');
    };
    const plane = await halfway({
      ledger: {
        before: async (_, [batch]) => {
          if (due && String(batch).endsWith(moment)) await workflow();
        },
      },
    });
    const { ports, releaseId } = plane;
    await restoreTraffic(ports, { releaseId, cause, abortedBy: ann, key: 'first' });
    due = true;
    const result = await restoreTraffic(ports, { releaseId, cause, abortedBy: ann, key: 'second' });
    expect(due).toBe(false);
    const { records } = plane.ledger;
    const end = records.findIndex(({ event }) => event.type === 'release.rolled-back');
    return { result, stable: isAlone(plane.shifter.routing(), STABLE), after: records.slice(end + 1) };
  };

  it('is no abort any more when the end is recorded before it', async () => {
    const { result, stable, after } = await overtakenAt('abort/second');
    expect(result).toEqual({ kind: 'done' });
    expect(stable).toBe(true);
    expect(after).toEqual([]);
  });

  it('does nothing, and tells nothing, when the end is recorded before its intent', async () => {
    const { result, stable, after } = await overtakenAt('restore/3/intended');
    expect(result).toMatchObject({ kind: 'restored' });
    expect(stable).toBe(true);
    expect(after).toEqual([]);
  });

  it('tells what it did, marked late, when the end is recorded before that', async () => {
    const { stable, after } = await overtakenAt('restore/3/done');
    expect(stable).toBe(true);
    expect(after).toMatchObject([
      { event: { type: 'release.restore.done' }, data: { fence: 3, late: true } },
    ]);
  });
});

describe('a restore among others', () => {
  it('wins over writes that come in between', async () => {
    let races = 5;
    const { ports, releaseId, shifter, target } = await halfway({
      shifter: {
        before: async (method, args) => {
          if (method !== 'restore' || args[2] === undefined || races === 0) return;
          races -= 1;
          const weight = { stable: STABLE, canary: CANARY, weightPercent: 50 };
          await shifter.setWeight(target, weight, shifter.routing().revision);
        },
      },
    });
    expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it.each(['restore', 'readRouting'])(
    'that never comes through is worth another try, and is no refusal: %s',
    async (contested) => {
      let others = true;
      const { ports, releaseId, shifter } = await halfway({
        shifter: {
          before: (method) => {
            if (others && method === contested) throw new ConflictError('the pool was changed meanwhile');
          },
        },
      });
      const restored = restoreTraffic(ports, { releaseId, cause });
      await expect(restored).rejects.toBeInstanceOf(TransientError);
      await expect(restored).rejects.toThrow(/wave first .* the pool was changed meanwhile; stop whatever/);
      others = false;
      expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
      expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    },
  );

  it('notes the verification at the fence that is in force by then', async () => {
    let raised = false;
    const { ports, releaseId, releases } = await halfway({
      shifter: {
        after: async (method) => {
          if (method !== 'restore' || raised) return;
          raised = true;
          await releases.beginRestore(releaseId, cause);
        },
      },
    });
    expect(await restoreTraffic(ports, { releaseId, cause })).toEqual({ kind: 'restored', fence: 3 });
    expect(releases.peek(releaseId)?.verified).toMatchObject({ at: 'stable', fence: 3 });
  });

  it('reads traffic back again before it notes it at a newer fence', async () => {
    let raised = false;
    const { ports, releaseId, releases, shifter, target, present } = await halfway({
      releases: {
        before: async (method) => {
          if (method !== 'noteVerified' || raised) return;
          raised = true;
          await releases.beginRestore(releaseId, cause);
          await shifter.promote(target, CANARY, shifter.routing().revision);
        },
      },
    });
    await expect(restoreTraffic(ports, { releaseId, cause })).rejects.toBeInstanceOf(TransientError);
    expect(present().verified).toBeUndefined();
  });

  it('gives up, to be repeated, while the fence keeps rising', async () => {
    const { ports, releaseId, releases } = await halfway({
      releases: {
        before: async (method) => {
          if (method === 'noteVerified') await releases.beginRestore(releaseId, cause);
        },
      },
    });
    await expect(restoreTraffic(ports, { releaseId, cause })).rejects.toBeInstanceOf(TransientError);
  });

  it('that comes after the release was concluded on another one leaves the next release alone', async () => {
    const { ports, releaseId, releases, shifter, target } = await halfway({
      ledger: {
        // While this restore tells its intent, another one finishes and a later release is promoted.
        before: async () => {
          await shifter.restore(target, STABLE);
          await releases.noteVerified(releaseId, { at: 'stable', fence: 2, time: NOW });
          await releases.decide(releaseId, { outcome: 'rolled-back', fence: 2, reasons: [] });
          await shifter.promote(target, CANARY, shifter.routing().revision);
        },
      },
    });
    expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
    expect(isAlone(shifter.routing(), CANARY)).toBe(true);
  });
});
