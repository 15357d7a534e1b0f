import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import type { Release } from '#releases/release.ts';
import { type ReconcilePorts, reconcileDeployment } from '#rollout/reconcile-deployment.ts';
import type { Routing } from '#rollout/traffic-shifter.ts';
import { aRelease, aSnapshot, checkoutTarget, NOW, releaseIdOf } from '../builders/release.ts';
import { memoryDeployments } from '../fakes/memory-deployments.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';

const place = { service: 'checkout', environment: 'production', target: checkoutTarget };

const at = (primary: string, weights: Record<string, number> = {}): Routing => ({
  primary,
  weights,
  revision: 'r',
});

/** A promoted release of version 2 to checkout, and traffic wherever the test puts it. */
const aWorld = () => {
  const world = {
    routing: at('2') as Routing | undefined,
    releases: [
      aRelease({
        version: '2',
        mode: 'done',
        outcome: 'promoted',
        concludedAt: NOW,
        snapshots: [aSnapshot()],
      }),
    ] as Release[],
    locks: [] as (string | undefined)[],
  };
  const ledger = memoryLedger();
  const deployments = memoryDeployments();
  let minutes = 0;
  const ports: ReconcilePorts = {
    releases: {
      list: async () => ({ releases: world.releases }),
      get: async (id) => world.releases.find(({ releaseId }) => releaseId === id),
    },
    activeRelease: async () => world.locks.shift() as never,
    deployments,
    routingOf: async () => world.routing,
    owners: { ownershipOf: async (targets) => targets.map(() => ({ kind: 'unmanaged' })) },
    ledger,
    now: () => new Date(Date.parse(NOW) + 60_000 * minutes++).toISOString(),
  };
  const look = (overrides: Partial<ReconcilePorts> = {}) =>
    reconcileDeployment({ ...ports, ...overrides }, place);
  const told = () => ledger.records.map(({ event }) => event.type);
  return { world, ledger, deployments, ports, look, told };
};

describe('comparing what runs with what was released', () => {
  it('says nothing while the last release’s version has all the traffic', async () => {
    const { look, told } = aWorld();
    expect(await look()).toBe('as-left');
    expect(told()).toEqual([]);
  });

  it.each([
    ['another version', at('3'), '3 (100 %)'],
    ['weights left over', at('2', { '3': 10 }), '2 (90 %), 3 (10 %)'],
    ['nothing at all', undefined, 'nowhere'],
  ])('tells of %s, with who released what should run', async (_, routing, found) => {
    const { world, look, ledger } = aWorld();
    world.routing = routing;
    expect(await look()).toBe('drifted');
    expect(ledger.records).toMatchObject([
      {
        event: { type: 'deployment.drifted' },
        change: { service: 'checkout', environment: 'production' },
        actor: { login: 'reconcile-deployments', kind: 'system' },
        data: {
          found: expect.stringContaining(found),
          expected: { version: '2', releaseId: releaseIdOf(1), requestedBy: 'ann' },
          owner: { kind: 'unmanaged' },
        },
      },
    ]);
    expect(ledger.records[0]?.data, 'a release’s own records end with its terminal one').not.toHaveProperty(
      'releaseId',
    );
  });

  it('tells it once however long it lasts, and once when it is over; the same again is a new one', async () => {
    const { world, look, told, ledger } = aWorld();
    world.routing = at('3');
    for (let run = 0; run < 4; run += 1) expect(await look()).toBe('drifted');
    expect(told()).toEqual(['deployment.drifted']);
    world.routing = at('2');
    for (let run = 0; run < 3; run += 1) expect(await look()).toBe('as-left');
    expect(told()).toEqual(['deployment.drifted', 'deployment.reconciled']);
    world.routing = at('3');
    await look();
    expect(told()).toEqual(['deployment.drifted', 'deployment.reconciled', 'deployment.drifted']);
    expect(ledger.records.map(({ data }) => data.drift)).toEqual([1, 1, 2]);
  });

  it('tells a change of the change', async () => {
    const { world, look, ledger } = aWorld();
    world.routing = at('3');
    await look();
    world.routing = at('4');
    await look();
    expect(ledger.records.map(({ data }) => data.found)).toEqual(['3 (100 %)', '4 (100 %)']);
  });

  it('is over when a release has taken the version on', async () => {
    const { world, look, told } = aWorld();
    world.routing = at('3');
    await look();
    world.releases.unshift(
      aRelease({
        releaseId: releaseIdOf(2),
        version: '3',
        mode: 'done',
        outcome: 'promoted',
        concludedAt: NOW,
      }),
    );
    expect(await look()).toBe('as-left');
    expect(told()).toEqual(['deployment.drifted', 'deployment.reconciled']);
  });

  it('leaves a release that is at work alone, whenever it begins or ends', async () => {
    const { world, look, told } = aWorld();
    world.routing = at('2', { '3': 10 });
    for (const locks of [['rel'], [undefined, 'rel']]) {
      world.locks = locks;
      expect(await look()).toBe('busy');
    }
    // The lock is free and the list has not caught up yet.
    world.releases.unshift(aRelease({ releaseId: releaseIdOf(2), mode: 'done', outcome: 'promoted' }));
    expect(await look()).toBe('busy');
    expect(told()).toEqual([]);
  });
});

describe('a target that was never released', () => {
  const neverReleased = () => {
    const made = aWorld();
    made.world.releases = [];
    return made;
  };

  it('is held to what ran when it was first seen', async () => {
    const { world, look, ledger } = neverReleased();
    expect(await look()).toBe('first-seen');
    expect(await look()).toBe('as-left');
    world.routing = at('3');
    expect(await look()).toBe('drifted');
    expect(ledger.records).toMatchObject([
      { event: { type: 'deployment.observed' }, data: { version: '2' } },
      { event: { type: 'deployment.drifted' }, data: { expected: { by: 'first-seen', version: '2' } } },
    ]);
  });

  it('is told when its traffic is split, and held to the first version that has all of it', async () => {
    const { world, look, told } = neverReleased();
    world.routing = at('2', { '3': 50 });
    expect(await look()).toBe('drifted');
    world.routing = at('3');
    expect(await look()).toBe('first-seen');
    expect(await look()).toBe('as-left');
    expect(told()).toEqual(['deployment.drifted', 'deployment.observed', 'deployment.reconciled']);
  });

  it('is nothing to tell of while it isn’t there', async () => {
    const { world, look, told } = neverReleased();
    world.routing = undefined;
    expect(await look()).toBe('absent');
    expect(told()).toEqual([]);
  });
});

describe('a look that is cut off', () => {
  it('between telling and keeping tells nothing twice', async () => {
    const { world, look, told, deployments } = aWorld();
    world.routing = at('3');
    const failing = { ...deployments, put: () => Promise.reject(new TransientError('no answer')) };
    await expect(look({ deployments: failing })).rejects.toThrow('no answer');
    expect(await look()).toBe('drifted');
    world.routing = at('2');
    await expect(look({ deployments: failing })).rejects.toThrow('no answer');
    expect(await look()).toBe('as-left');
    expect(told()).toEqual(['deployment.drifted', 'deployment.reconciled']);
  });

  it('before it could tell has kept nothing, so that the next one tells', async () => {
    const { world, look, told, ledger } = aWorld();
    world.routing = at('3');
    const down = { append: () => Promise.reject(new TransientError('ledger down')) };
    await expect(look({ ledger: down })).rejects.toThrow('ledger down');
    expect(ledger.records).toEqual([]);
    await look();
    expect(told()).toEqual(['deployment.drifted']);
  });

  it('because it could not read the traffic is a failure, not a drift', async () => {
    const { look, told } = aWorld();
    const unreadable = () => Promise.reject(new TransientError('Lambda did not answer'));
    await expect(look({ routingOf: unreadable })).rejects.toThrow('Lambda');
    expect(told()).toEqual([]);
  });
});
