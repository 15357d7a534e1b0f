import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, PolicyDeniedError } from '#platform/errors.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { CANARY, NOW, NOW_MS, releaseIdOf, STABLE } from '../builders/release.ts';
import { aMovedRollout, aRollout } from '../builders/rollout.ts';

const cause = [{ code: 'operator-abort', text: 'aborted by ann' }];

describe('a snapshot', () => {
  it('says what stable is, keeps it and tells it', async () => {
    const { ports, releaseId, present, ledger } = await aRollout();
    const [snapshot] = (await takeSnapshots(ports, releaseId, 1)).snapshots;
    expect(snapshot).toMatchObject({ stableVersion: STABLE, timeoutSeconds: 3, takenAt: NOW });
    expect(present().snapshots).toEqual([snapshot]);
    expect(ledger.records).toMatchObject([
      { event: { type: 'release.snapshot.taken' }, data: { snapshots: [{ wave: 'first', ...snapshot }] } },
    ]);
  });

  it('is the first one for ever, also when it is taken again after traffic moved', async () => {
    const { ports, releaseId, ledger } = await aMovedRollout(50);
    const [snapshot] = (await takeSnapshots(ports, releaseId, 1)).snapshots;
    expect(snapshot?.stableVersion).toBe(STABLE);
    await takeSnapshots(ports, releaseId, 1);
    expect(ledger.records).toHaveLength(1);
  });

  it('refuses a target that is not fit, with the reason in words, and keeps nothing', async () => {
    const { ports, releaseId, present, types } = await aRollout({}, { version: '99' });
    const taken = takeSnapshots(ports, releaseId, 1);
    await expect(taken).rejects.toBeInstanceOf(PolicyDeniedError);
    await expect(taken).rejects.toThrow('there is no version 99');
    expect(present().snapshots).toBeUndefined();
    expect(types()).toEqual([]);
  });

  it('is not taken of a release that was stopped, or that does not exist', async () => {
    const { ports, releaseId, releases } = await aRollout();
    await expect(takeSnapshots(ports, releaseIdOf(9), 1)).rejects.toBeInstanceOf(NotFoundError);
    await releases.beginRestore(releaseId, cause);
    await expect(takeSnapshots(ports, releaseId, 1)).rejects.toBeInstanceOf(ConflictError);
  });

  it("has the stable version's last settled periods, and none of another version's", async () => {
    const { ports, releaseId, source } = await aRollout();
    for (let period = 1; period <= 80; period += 1) {
      source.put(STABLE, NOW_MS - period * 10_000, { requests: 10, errors: 0 });
      source.put(CANARY, NOW_MS - period * 10_000, { requests: 1_000, errors: 1_000 });
    }
    const [snapshot] = (await takeSnapshots(ports, releaseId, 1)).snapshots;
    expect(snapshot?.history?.counts).toMatchObject({ requests: 600, errors: 0 });
  });

  it('does without a history while the metrics are down', async () => {
    const { ports, releaseId, source } = await aRollout();
    source.down = true;
    const [snapshot] = (await takeSnapshots(ports, releaseId, 1)).snapshots;
    expect(snapshot).toMatchObject({ stableVersion: STABLE, history: {} });
  });
});
