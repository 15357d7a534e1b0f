import { describe, expect, it } from 'vitest';
import { PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { Outcome, Release } from '#releases/release.ts';
import { obey } from '#rollout/command.ts';
import { decide } from '#rollout/decide-look.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { lookInput } from '#rollout/look.ts';
import { rescueTraffic } from '#rollout/rescue.ts';
import { rescueParameter, rescueText } from '#rollout/rescue-copy.ts';
import { isAlone } from '#rollout/routing.ts';
import { promoteVersion } from '#rollout/shift.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { aLookAt, alone } from '../builders/look.ts';
import { ann, aRelease, CANARY, NEXT, NOW, planWith, releaseIdOf, STABLE } from '../builders/release.ts';
import { aMovedRollout, aRollout } from '../builders/rollout.ts';
import { hooked } from '../fakes/hooked.ts';

const abort = { name: 'abort', reason: 'it hangs', by: ann, key: 'k', at: NOW } as const;
const down = async () => {
  throw new TransientError('no answer');
};

describe('the copy for a rescue', () => {
  it('is kept before anything moves, and says where traffic belongs', async () => {
    const { ports, releaseId } = await aRollout();
    await takeSnapshots(ports, releaseId, 1);
    expect(await ports.rescue.ofRelease(releaseId)).toMatchObject({
      subject: { releaseId, service: 'checkout' },
      waves: [{ name: 'first', stableVersion: STABLE }],
    });
  });

  it('that cannot be kept keeps the release from moving anything', async () => {
    const { ports, releaseId, types } = await aRollout();
    const taken = takeSnapshots({ ...ports, rescue: { keep: down } }, releaseId, 1);
    await expect(taken).rejects.toBeInstanceOf(TransientError);
    expect(types()).toEqual([]);
  });

  const rollback = {
    releaseId: releaseIdOf(3),
    version: STABLE,
    strategy: 'rollback' as const,
    plan: { ...planWith(100), stages: [] },
    rollsBack: { releaseId: releaseIdOf(1), reason: 'refunds fail', keyDigest: 'digest' },
  };

  /** CANARY was promoted, a drill of it ended and left its copy, and a rollback to STABLE is asked for. */
  const rollingBack = async () => {
    const { ports, releases, shifter, target, troubles } = await aRollout();
    const end = async (release: Release, outcome: Outcome) => {
      await takeSnapshots(ports, release.releaseId, 1);
      releases.overwrite(release.releaseId, { mode: 'done', outcome });
      await releases.close(release, NOW);
    };
    const begin = async (overrides: Partial<Release>): Promise<Release> => {
      const release = aRelease(overrides);
      await releases.reserve(release, { value: release.releaseId, requestDigest: 'd' });
      return release;
    };
    await end(aRelease(), 'promoted');
    await shifter.promote(target, CANARY, shifter.routing().revision);
    const drill = await begin({ releaseId: releaseIdOf(2), version: NEXT, strategy: 'drill' });
    await end(drill, 'rolled-back');
    expect((await ports.rescue.ofRelease(drill.releaseId))?.waves[0]?.stableVersion).toBe(CANARY);
    const { releaseId } = await begin(rollback);
    return { ports, releaseId, drill, troubles };
  };

  it('points to where a rollback goes, also when a later release had replaced it since', async () => {
    const { ports, releaseId, drill } = await rollingBack();
    await takeSnapshots(ports, releaseId, 1);
    expect(await ports.rescue.ofRelease(drill.releaseId)).toBeUndefined();
    expect(await ports.rescue.ofRelease(rollback.rollsBack.releaseId)).toMatchObject({
      subject: { version: CANARY },
      waves: [{ name: 'first', stableVersion: STABLE }],
    });
    // What an abort of the rollback itself goes by is no copy: that goes back to where the rollback began.
    expect(await ports.rescue.ofRelease(releaseId)).toBeUndefined();
  });

  it('that cannot be kept keeps no rollback from going ahead', async () => {
    const { ports, releaseId, troubles } = await rollingBack();
    const { snapshots } = await takeSnapshots({ ...ports, rescue: { keep: down } }, releaseId, 1);
    expect(snapshots).toMatchObject([{ stableVersion: CANARY }]);
    expect(troubles).toEqual(['the copy for a rescue could not be kept for a rollback']);
  });

  it('that is too long is refused, not cut', async () => {
    const { carried } = await aRollout();
    const target = {
      kind: 'custom' as const,
      functionName: 'f',
      alias: 'live',
      parameters: Object.fromEntries(
        Array.from({ length: 20 }, (_, number) => [`p${number}`, 'x'.repeat(500)]),
      ),
    };
    const long = { ...carried, waves: [{ name: 'first', target, stableVersion: STABLE }] };
    expect(() => rescueText({ ...long, region: 'eu-central-1' })).toThrow(PolicyDeniedError);
  });

  it('has a name that nothing but a service and an environment goes into', () => {
    expect(rescueParameter('/sluice/rescue', 'checkout', 'production')).toBe(
      '/sluice/rescue/checkout/production',
    );
    expect(() => rescueParameter('/sluice/rescue', '../other', 'production')).toThrow();
  });
});

describe('an abort while the state cannot be read', () => {
  it('brings traffic back by the copy, and says that it could not be noted', async () => {
    const { ports, releaseId, shifter, carried } = await aMovedRollout(50);
    await ports.rescue.keep(carried);
    const releases = { ...ports.releases, beginRestore: down, get: down, readFence: down };
    await expect(obey({ ...ports, releases }, { ...abort, releaseId })).rejects.toThrow(
      'traffic is back on stable, but that could not be noted yet',
    );
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('fails with the trouble itself when there is no copy', async () => {
    const { ports, releaseId, shifter } = await aMovedRollout(50);
    const releases = { ...ports.releases, beginRestore: down };
    await expect(obey({ ...ports, releases }, { ...abort, releaseId })).rejects.toThrow('no answer');
    expect(isAlone(shifter.routing(), STABLE)).toBe(false);
  });
});

describe('a rescue', () => {
  it('brings traffic back and reads it back', async () => {
    const { shifter, carried } = await aMovedRollout(50);
    expect(await rescueTraffic(shifter, carried)).toMatchObject([{ wave: 'first', verified: true }]);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('writes again when a workflow that still runs came in between', async () => {
    const { shifter, carried, target } = await aMovedRollout(50);
    let meddled = false;
    const contested = hooked(shifter, {
      after: async (method) => {
        if (method !== 'restore' || meddled) return;
        meddled = true;
        const weight = { stable: STABLE, canary: '2', weightPercent: 50 };
        await shifter.setWeight(target, weight, shifter.routing().revision);
      },
    });
    expect(await rescueTraffic(contested, carried)).toMatchObject([{ verified: true }]);
  });

  it('says what AWS said when it can do nothing', async () => {
    const { shifter, carried } = await aMovedRollout(50);
    const denied = {
      ...shifter,
      restore: async () => {
        throw Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
      },
    };
    const [first] = await rescueTraffic(denied, carried);
    expect(first).toMatchObject({ verified: false, text: 'AccessDeniedException: not authorized' });
  });
});

describe('a drill', () => {
  const stage = { weightPercent: 1, rounds: 3, roundSeconds: 60 };
  const look = aLookAt(stage, { strategy: 'drill', plan: planWith(1) });

  it('is found failing by the judge itself at its first look, before any data', () => {
    const result = judgeLook(lookInput(look));
    expect(result.verdict).toBe('rollback');
    expect(result.reasons[0]?.code).toBe('evidence');
    const decision = decide(look, alone(result));
    expect(decision.verdict).toBe('restore');
    expect(decision.reasons[0]?.text).toContain('made up');
  });

  it('comes back also when nothing finds it', () => {
    const result = { ...judgeLook(lookInput(look)), verdict: 'promote' as const };
    const { verdict, reasons } = decide(look, alone(result));
    expect([verdict, reasons[0]?.code]).toEqual(['restore', 'drill-unnoticed']);
  });

  it('is never promoted', async () => {
    const { ports, releaseId } = await aMovedRollout(100, {}, { strategy: 'drill' });
    await expect(promoteVersion(ports, releaseId, 1)).rejects.toBeInstanceOf(PolicyDeniedError);
  });
});
