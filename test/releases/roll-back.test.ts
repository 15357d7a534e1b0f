import { describe, expect, it } from 'vitest';
import { ConflictError, PolicyDeniedError } from '#platform/errors.ts';
import { drillRollback } from '#releases/drill-rollback.ts';
import { lastPromoted } from '#releases/last-promoted.ts';
import { latestReleases } from '#releases/latest-releases.ts';
import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { rollBack } from '#releases/roll-back.ts';
import {
  ann,
  aRelease,
  aSnapshot,
  aWave,
  CANARY,
  checkoutTarget,
  NOW,
  releaseIdOf,
  STABLE,
} from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';
import { memoryServices } from '../fakes/memory-services.ts';
import { memorySwitches } from '../fakes/memory-switches.ts';

const world = () => {
  const releases = memoryReleases();
  const ledger = memoryLedger();
  const executions = memoryExecutions();
  const services = memoryServices();
  void services.put(aRegisteredService());
  const ports = {
    releases,
    ledger,
    executions,
    services,
    productionStrategies: ['canary'] as const,
    switches: memorySwitches(),
    now: () => NOW,
  };
  const { switches } = ports;
  let count = 0;
  /** A release that ended as `outcome` on the way from one version to the next. */
  const ended = async (
    outcome: Release['outcome'],
    from: string,
    to: string,
    more: Partial<Release> = {},
  ) => {
    count += 1;
    const release = aRelease({ releaseId: releaseIdOf(count), version: to, ...more });
    await releases.reserve(release, { value: `key-${count}`, requestDigest: 'digest' });
    releases.overwrite(release.releaseId, {
      mode: 'done',
      outcome,
      snapshots: release.waves.map(() => aSnapshot({ stableVersion: from })),
    });
    await releases.close(release, NOW);
    return release;
  };
  return { releases, ledger, executions, ports, switches, ended };
};
const asked = (number: number, key = 'key') => ({
  service: 'checkout',
  environment: 'production',
  reason: 'refunds fail',
  requestedBy: ann,
  key,
  requestDigest: 'digest',
  releaseId: releaseIdOf(number),
  at: NOW,
});

describe('a rollback', () => {
  it('is a release of what was stable before the last promoted one, without a plan', async () => {
    const { ports, ended, ledger, executions } = world();
    const promoted = await ended('promoted', STABLE, CANARY);
    await ended('rolled-back', CANARY, '3');
    await ended('refused', CANARY, '4');
    const release = await rollBack(ports, asked(50));
    expect(release).toMatchObject({
      version: STABLE,
      strategy: 'rollback',
      rollsBack: { releaseId: promoted.releaseId, reason: 'refunds fail' },
      plan: { stages: [], watchSeconds: 0 },
      waves: [{ target: checkoutTarget, version: STABLE }],
    });
    expect(ledger.records.at(-1)).toMatchObject({
      event: { type: 'release.accepted' },
      actor: ann,
      data: { rollsBack: { reason: 'refunds fail' } },
    });
    expect(executions.started).toHaveLength(1);
  });

  it('goes back in every wave, each to its own version', async () => {
    const { ports, ended, releases } = world();
    const waves = [aWave(), aWave({ name: 'us', target: { ...checkoutTarget, alias: 'us' }, version: '12' })];
    const promoted = await ended('promoted', STABLE, CANARY, { waves });
    releases.overwrite(promoted.releaseId, { snapshots: [aSnapshot(), aSnapshot({ stableVersion: '11' })] });
    const release = await rollBack(ports, asked(50));
    expect(release.waves.map(({ name, version }) => [name, version])).toEqual([
      ['first', STABLE],
      ['us', '11'],
    ]);
  });

  it('has one effect however often it is asked for, also after it has ended', async () => {
    const { ports, ended, releases } = world();
    await ended('promoted', STABLE, CANARY);
    const first = await rollBack(ports, asked(50));
    expect((await rollBack(ports, asked(51))).releaseId).toBe(first.releaseId);
    releases.overwrite(first.releaseId, { mode: 'done', outcome: 'promoted', snapshots: [aSnapshot()] });
    await releases.close(first, NOW);
    expect((await rollBack(ports, asked(52))).releaseId).toBe(first.releaseId);
  });

  it('is refused where nothing was promoted, or after a rollback, and says what to do', async () => {
    const { ports, ended } = world();
    await expect(rollBack(ports, asked(50))).rejects.toThrow(
      /no last good version is known; ask for a release/,
    );
    await ended('promoted', STABLE, CANARY);
    await ended('promoted', CANARY, STABLE, { strategy: 'rollback' });
    await expect(rollBack(ports, asked(50))).rejects.toThrow(/back on version 1 already/);
  });

  it('is refused while a release is on its way, and that is recorded', async () => {
    const { ports, ended, releases, ledger } = world();
    await ended('promoted', STABLE, CANARY);
    const active = aRelease({ releaseId: releaseIdOf(40), version: '3' });
    await releases.reserve(active, { value: 'active', requestDigest: 'digest' });
    await expect(rollBack(ports, asked(50))).rejects.toBeInstanceOf(ConflictError);
    expect(ledger.records.at(-1)).toMatchObject({
      event: { type: 'release.refused' },
      data: { reasons: [{ facts: { activeReleaseId: active.releaseId } }] },
    });
  });

  it('is not kept out by a freeze', async () => {
    const { ports, ended, releases } = world();
    await ended('promoted', STABLE, CANARY);
    const freeze = { until: '2027-01-01T00:00:00.000Z', reason: 'holidays', by: ann, at: NOW };
    await releases.putEnvironment({ environment: 'production', revision: 1, freeze, keys: [] });
    expect((await rollBack(ports, asked(50))).strategy).toBe('rollback');
    await expect(
      drillRollback(ports, { ...asked(51, 'other'), environment: 'staging', version: '9', weightPercent: 1 }),
    ).resolves.toMatchObject({ strategy: 'drill' });
  });
});

describe('while new releases are switched off', () => {
  it('a drill starts nothing either, which is recorded', async () => {
    const { ports, switches, ledger, executions } = world();
    switches.switchOff('canaryDeployment');
    const drill = drillRollback(ports, { ...asked(50), version: '7', weightPercent: 1 });
    await expect(drill).rejects.toBeInstanceOf(PolicyDeniedError);
    expect(executions.started).toEqual([]);
    expect(ledger.records).toMatchObject([
      { event: { type: 'release.refused' }, data: { reasons: [{ code: 'canary-deployment-off' }] } },
    ]);
  });

  it('a drill that was taken in before is told again', async () => {
    const { ports, switches } = world();
    const wanted = { ...asked(50), version: '7', weightPercent: 1 };
    const first = await drillRollback(ports, wanted);
    switches.switchOff('canaryDeployment');
    const again = await drillRollback(ports, { ...wanted, releaseId: releaseIdOf(51) });
    expect(again.releaseId).toBe(first.releaseId);
  });

  it('a rollback goes', async () => {
    const { ports, switches, ended } = world();
    await ended('promoted', STABLE, CANARY);
    switches.switchOff('canaryDeployment');
    expect((await rollBack(ports, asked(50))).startedAt).toBe(NOW);
  });
});

describe('the last promoted release', () => {
  it('is read itself where the list lags behind its conclusion', async () => {
    const { ended, releases } = world();
    await ended('promoted', '0', STABLE);
    const newest = await ended('promoted', STABLE, CANARY);
    const lagging = {
      get: releases.get,
      list: async (filter: Parameters<typeof releases.list>[0]) => {
        const page = await releases.list(filter);
        return { ...page, releases: page.releases.map(({ outcome: _, ...release }) => release) };
      },
    };
    expect((await lastPromoted(lagging, 'checkout', 'production'))?.releaseId).toBe(newest.releaseId);
  });

  it("is the environment's own, however many others came after it", async () => {
    const { ended, releases } = world();
    const wanted = await ended('promoted', STABLE, CANARY, { environment: 'staging' });
    for (let number = 0; number < 205; number += 1) await ended('refused', STABLE, CANARY);
    expect((await lastPromoted(releases, 'checkout', 'staging'))?.releaseId).toBe(wanted.releaseId);
    expect(await lastPromoted(releases, 'checkout', 'production')).toBeUndefined();
  });
});

describe('the latest releases', () => {
  const latest = async (releases: Pick<ReleaseStore, 'list'>, most: number, environment?: string) =>
    Array.fromAsync(latestReleases(releases, { service: 'checkout', environment }, most));

  it('of an environment are its own, however many others came after them; no more than asked for', async () => {
    const { ended, releases } = world();
    const first = await ended('promoted', STABLE, CANARY, { environment: 'staging' });
    const second = await ended('promoted', STABLE, CANARY, { environment: 'staging' });
    for (let number = 0; number < 105; number += 1) await ended('refused', STABLE, CANARY);
    const ids = (found: readonly Release[]) => found.map(({ releaseId }) => releaseId);
    expect(ids(await latest(releases, 100, 'staging'))).toEqual([second.releaseId, first.releaseId]);
    expect(ids(await latest(releases, 1, 'staging'))).toEqual([second.releaseId]);
    expect(await latest(releases, 100, 'production')).toHaveLength(100);
    expect(await latest(releases, 200)).toHaveLength(107);
  });
});

describe('a rollback drill', () => {
  it('gives a little traffic to what ran before the last promoted release', async () => {
    const { ports, ended } = world();
    await ended('promoted', STABLE, CANARY);
    const release = await drillRollback(ports, { ...asked(50), weightPercent: 2 });
    expect(release).toMatchObject({ strategy: 'drill', version: STABLE, notes: 'refunds fail' });
    expect(release.plan.stages.map(({ weightPercent }) => weightPercent)).toEqual([2]);
  });

  it('gives none to what was rolled back from: a version has to be named then', async () => {
    const { ports, ended } = world();
    await ended('promoted', STABLE, CANARY);
    await ended('promoted', CANARY, STABLE, { strategy: 'rollback' });
    const drill = drillRollback(ports, { ...asked(50), weightPercent: 1 });
    await expect(drill).rejects.toBeInstanceOf(ConflictError);
    await expect(drill).rejects.toThrow(/name in `version` a good one/);
    const named = await drillRollback(ports, { ...asked(50), version: '7', weightPercent: 1 });
    expect(named.version).toBe('7');
  });

  it('needs a version that is known, or named', async () => {
    const { ports } = world();
    await expect(drillRollback(ports, { ...asked(50), weightPercent: 1 })).rejects.toThrow(
      /name in `version`/,
    );
    const named = await drillRollback(ports, { ...asked(50), version: '7', weightPercent: 1 });
    expect(named.waves.map(({ version }) => version)).toEqual(['7']);
  });
});
