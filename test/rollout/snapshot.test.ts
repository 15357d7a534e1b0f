import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import {
  aRelease,
  aSnapshot,
  aWave,
  CANARY,
  checkoutTarget,
  NEXT,
  NOW,
  NOW_MS,
  releaseIdOf,
  STABLE,
} from '../builders/release.ts';
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

describe('a snapshot of what no release left', () => {
  /** A release of version 2, and before it one that ended as the test says; version 1 runs. */
  const afterRelease = async (
    before: Partial<Release>,
    overrides: Partial<Release> = {},
    listed: (releases: readonly Release[]) => readonly Release[] = (releases) => releases,
  ) => {
    const rollout = await aRollout({}, { releaseId: releaseIdOf(2), ...overrides });
    const last = aRelease({ mode: 'done', concludedAt: NOW, outcome: 'promoted', ...before });
    const list: ReleaseStore['list'] = async () => ({ releases: [...listed([rollout.release, last])] });
    return { ...rollout, ports: { ...rollout.ports, releases: { ...rollout.ports.releases, list } } };
  };
  const LEFT_OTHER = { version: NEXT };
  const accepting = (...acceptRunningVersions: readonly string[]): Partial<Release> => {
    const { request } = aRelease();
    return request ? { request: { ...request, acceptRunningVersions: [...acceptRunningVersions] } } : {};
  };

  it.each<[string, Partial<Release>]>([
    ['promoted another version', LEFT_OTHER],
    ['restored another version', { outcome: 'rolled-back', snapshots: [aSnapshot({ stableVersion: NEXT })] }],
  ])('is refused when the last release %s, with both and the way out', async (_, before) => {
    const { ports, releaseId, present } = await afterRelease(before);
    const taken = takeSnapshots(ports, releaseId, 1);
    await expect(taken).rejects.toBeInstanceOf(PolicyDeniedError);
    await expect(taken).rejects.toThrow(
      new RegExp(
        `let an operator ask .* --accept-running ${STABLE} .*version ${STABLE} runs.*left version ${NEXT}`,
      ),
    );
    expect(present().snapshots).toBeUndefined();
  });

  it.each<[string, Partial<Release>, Partial<Release>]>([
    ['the last release left it', { version: STABLE }, {}],
    ['an operator accepts it', LEFT_OTHER, accepting('7', STABLE)],
    ['it is rolled back: whoever needs that needs it now', LEFT_OTHER, { strategy: 'rollback' }],
    [
      'the last release was of another target',
      { waves: [aWave({ version: NEXT, target: { ...checkoutTarget, alias: 'x' } })] },
      {},
    ],
    ['the last release was of another environment', { ...LEFT_OTHER, environment: 'staging' }, {}],
  ])('is taken when %s', async (_, before, overrides) => {
    const { ports, releaseId } = await afterRelease(before, overrides);
    const { snapshots } = await takeSnapshots(ports, releaseId, 1);
    expect(snapshots).toMatchObject([{ stableVersion: STABLE }]);
  });

  it('is refused when another version is accepted than runs', async () => {
    const { ports, releaseId } = await afterRelease(LEFT_OTHER, accepting(NEXT));
    await expect(takeSnapshots(ports, releaseId, 1)).rejects.toBeInstanceOf(PolicyDeniedError);
  });

  it('is tried again while the list of releases lags: one that has just ended may be missing in it', async () => {
    const { ports, releaseId } = await afterRelease(LEFT_OTHER, {}, (releases) => releases.slice(1));
    await expect(takeSnapshots(ports, releaseId, 1)).rejects.toBeInstanceOf(TransientError);
  });

  it('names every wave that was changed, and everything to accept, at once', async () => {
    const other = { ...checkoutTarget, alias: 'other' };
    const waves = [aWave(), aWave({ name: 'second', target: other })];
    const { ports, releaseId } = await afterRelease(
      { waves: waves.map((wave) => ({ ...wave, version: NEXT })) },
      { waves },
    );
    const taken = takeSnapshots(ports, releaseId, 1);
    await expect(taken).rejects.toThrow(/wave first: version 1 runs.*wave second: version 1 runs/);
    await expect(taken).rejects.toMatchObject({ faults: [{}, {}] });
  });
});
