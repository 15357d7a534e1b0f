import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import { concludeRelease } from '#releases/conclude.ts';
import type { Reason, Release } from '#releases/release.ts';
import { rollbackReport } from '#releases/rollback-report.ts';
import { NOW, progressAt, releaseIdOf } from '../builders/release.ts';
import { aMovedRollout, aReadyRollout, aRollout } from '../builders/rollout.ts';

const breached: Reason[] = [{ code: 'evidence', text: 'rolled back: 20 of 60 errors' }];
const refused: Reason[] = [{ code: 'refused', text: 'version 2 already has all traffic' }];

/** A rollout whose restore has been verified, as the recovery and the rollout workflow leave it. */
const restored = async (rollout: Awaited<ReturnType<typeof aRollout>>, cause: Reason[]) => {
  await rollout.releases.beginRestore(rollout.releaseId, cause);
  await rollout.releases.noteVerified(rollout.releaseId, { at: 'stable', fence: 2, time: NOW });
  return rollout;
};

const lockOf = ({ releases, release }: Awaited<ReturnType<typeof aRollout>>) =>
  releases.lockOf(release.service, release.environment);

const over: Reason[] = [{ code: 'experiment-over', text: 'the experiment is over' }];

describe('concluding an experiment', () => {
  it('that came to its planned end is no rollback, and tells what was found', async () => {
    const experiment = {
      verdict: 'concluded',
      winner: 'none',
      decision: 'no-decision',
      enough: false,
      n: { canary: 12, stable: 10 },
    } as const;
    const rollout = await aMovedRollout(50);
    const { ports, releases, releaseId, ledger } = rollout;
    await releases.noteProgress(releaseId, 1, { ...progressAt(0, 50), experiment });
    await restored(rollout, over);
    const release = await concludeRelease(ports, releaseId, 'restored');
    expect(release.outcome).toBe('completed');
    expect(lockOf(rollout)).toBeUndefined();
    expect(ledger.records.at(-1)).toMatchObject({
      event: { type: 'release.completed' },
      data: { outcome: 'completed', reasons: over, experiment },
    });
    expect(rollbackReport([release]).real.begun).toBe(0);
  });

  it('that was aborted before is one, whatever it would have found', async () => {
    const rollout = await aMovedRollout(50);
    const { ports, releases, releaseId } = rollout;
    await restored(rollout, [{ code: 'operator-abort', text: 'aborted by ann' }]);
    await releases.beginRestore(releaseId, over);
    await releases.noteVerified(releaseId, { at: 'stable', fence: 3, time: NOW });
    expect((await concludeRelease(ports, releaseId, 'restored')).outcome).toBe('rolled-back');
  });
});

describe('concluding a release', () => {
  it('promotes what was verified on the new version: outcome, one terminal record, lock free', async () => {
    const rollout = await aMovedRollout(100);
    const { ports, releases, releaseId, ledger } = rollout;
    await releases.noteVerified(releaseId, { at: 'new', fence: 1, time: NOW });
    const release = await concludeRelease(ports, releaseId, 'promoted');
    expect(release).toMatchObject({ mode: 'done', outcome: 'promoted', concludedAt: NOW });
    expect(lockOf(rollout)).toBeUndefined();
    expect(ledger.records).toMatchObject([
      {
        event: { type: 'release.promoted' },
        data: {
          outcome: 'promoted',
          verified: { at: 'new', fence: 1 },
          reasons: [{ code: 'all-stages-passed', text: 'version 2 passed every stage of plan test' }],
        },
      },
    ]);
  });

  it.each<[string, Reason[], (typeof aRollout)[], Release['outcome']]>([
    ['traffic had moved', breached, [aMovedRollout.bind(undefined, 50)], 'rolled-back'],
    ['nothing had moved', breached, [aRollout, aReadyRollout], 'aborted'],
    ['the target or a rule said no', refused, [aRollout], 'refused'],
  ])('after a restore, when %s, keeps the cause as its reason', async (_when, cause, builders, outcome) => {
    for (const build of builders) {
      const rollout = await restored(await build(), cause);
      const release = await concludeRelease(rollout.ports, rollout.releaseId, 'restored');
      expect(release).toMatchObject({ mode: 'done', outcome, reasons: cause, concludedAt: NOW });
      expect(rollout.types()).toEqual([`release.${outcome}`]);
      expect(lockOf(rollout)).toBeUndefined();
    }
  });

  it('needs verified traffic: until then it is tried again, and the lock is held', async () => {
    for (const wanted of ['promoted', 'restored'] as const) {
      const rollout = await aMovedRollout(50);
      if (wanted === 'restored') await rollout.releases.beginRestore(rollout.releaseId, breached);
      const conclusion = concludeRelease(rollout.ports, rollout.releaseId, wanted);
      await expect(conclusion).rejects.toBeInstanceOf(TransientError);
      expect(rollout.types()).toEqual([]);
      expect(lockOf(rollout)).toBe(rollout.releaseId);
    }
  });

  it('does not take a verification for good that is older than the last restore', async () => {
    const rollout = await restored(await aMovedRollout(50), breached);
    await rollout.releases.beginRestore(rollout.releaseId, breached);
    await expect(concludeRelease(rollout.ports, rollout.releaseId, 'restored')).rejects.toBeInstanceOf(
      TransientError,
    );
  });

  it('as promoted is a conflict once an abort is in, so that the workflow restores', async () => {
    const rollout = await aMovedRollout(100);
    await rollout.releases.noteVerified(rollout.releaseId, { at: 'new', fence: 1, time: NOW });
    await rollout.releases.beginRestore(rollout.releaseId, breached);
    await expect(concludeRelease(rollout.ports, rollout.releaseId, 'promoted')).rejects.toBeInstanceOf(
      ConflictError,
    );
    expect(rollout.types()).toEqual([]);
    expect(lockOf(rollout)).toBe(rollout.releaseId);
  });

  it('twice, whatever is wanted the second time, has one outcome and one record', async () => {
    const { ports, releaseId, types } = await restored(await aMovedRollout(50), breached);
    await concludeRelease(ports, releaseId, 'restored');
    for (const wanted of ['restored', 'promoted'] as const)
      expect((await concludeRelease(ports, releaseId, wanted)).outcome).toBe('rolled-back');
    expect(types()).toEqual(['release.rolled-back']);
  });

  it('keeps the lock until the ledger has the terminal record', async () => {
    const rollout = await restored(await aMovedRollout(50), breached);
    rollout.ledger.down = true;
    const conclusion = concludeRelease(rollout.ports, rollout.releaseId, 'restored');
    await expect(conclusion).rejects.toBeInstanceOf(TransientError);
    expect(lockOf(rollout)).toBe(rollout.releaseId);
    rollout.ledger.down = false;
    await concludeRelease(rollout.ports, rollout.releaseId, 'restored');
    expect(rollout.types()).toEqual(['release.rolled-back']);
    expect(lockOf(rollout)).toBeUndefined();
  });

  it.each(['decide', 'append', 'close'])(
    'is finished by a repetition when the answer of %s was lost',
    async (call) => {
      let lost = false;
      const after = (method: string) => {
        if (method !== call || lost) return;
        lost = true;
        throw new TransientError('no answer');
      };
      const rollout = await restored(
        await aMovedRollout(50, { releases: { after }, ledger: { after } }),
        breached,
      );
      const { ports, releaseId, types } = rollout;
      await expect(concludeRelease(ports, releaseId, 'restored')).rejects.toBeInstanceOf(TransientError);
      expect(await concludeRelease(ports, releaseId, 'restored')).toMatchObject({ concludedAt: NOW });
      expect(types()).toEqual(['release.rolled-back']);
      expect(lockOf(rollout)).toBeUndefined();
    },
  );

  it('of an unknown release is an error', async () => {
    const { ports } = await aRollout();
    await expect(concludeRelease(ports, releaseIdOf(9), 'restored')).rejects.toBeInstanceOf(NotFoundError);
  });
});
