import { describe, expect, it } from 'vitest';
import { digestOf } from '#platform/digest.ts';
import { ConflictError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Asked } from '#releases/asked.ts';
import { concludeRelease } from '#releases/conclude.ts';
import { recoverRelease } from '#releases/recover-release.ts';
import { phaseOf } from '#releases/release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { requestDrafted, requestRelease } from '#releases/request-release.ts';
import { ann, aRelease, bob, NOW, NOW_MS, releaseIdOf } from '../builders/release.ts';
import { aDefinition, aRegisteredService } from '../builders/service.ts';
import { type Hooks, hooked } from '../fakes/hooked.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { type MemoryReleases, memoryReleases } from '../fakes/memory-releases.ts';
import { memoryServices } from '../fakes/memory-services.ts';
import { memorySwitches } from '../fakes/memory-switches.ts';
import { batchLedger } from '../rollout/exploration/control-plane.ts';
import { explore, scheduleText } from '../rollout/exploration/explore.ts';
import type { Fate, Scheduler } from '../rollout/exploration/scheduler.ts';

const GRACE_SECONDS = 60;
const LATER = new Date(NOW_MS + 2 * GRACE_SECONDS * 1_000).toISOString();

/** Checkout, whose newer release takes the place of the active one. */
const supersedingServices = async () => {
  const services = memoryServices();
  const { environments } = aDefinition();
  const { production } = environments;
  if (production === undefined) throw new Error('no production');
  const definition = aDefinition({
    environments: { ...environments, production: { ...production, onActiveRelease: 'supersede' } },
  });
  await services.put(aRegisteredService({ definition }));
  return services;
};

/** The nth request: each is of a version, a key and an id of its own. */
const asked = (number: number, overrides: Partial<Asked> = {}): Asked => {
  const request = releaseRequestSchema.parse({
    service: 'checkout',
    environment: 'production',
    version: String(number + 1),
  });
  return {
    request,
    requestedBy: number === 1 ? ann : bob,
    key: `key-${number}`,
    requestDigest: digestOf(request),
    releaseId: releaseIdOf(number),
    at: NOW,
    ...overrides,
  };
};

const aDoor = async (hooks: Hooks = {}) => {
  const releases = memoryReleases();
  const ledger = memoryLedger();
  const executions = memoryExecutions();
  const ports = {
    services: await supersedingServices(),
    productionStrategies: ['canary'] as const,
    switches: memorySwitches(),
    releases,
    ledger,
    executions,
    now: () => LATER,
    startGraceSeconds: GRACE_SECONDS,
  };
  return {
    ports,
    releases,
    ledger,
    executions,
    failing: {
      ...ports,
      releases: hooked(releases, hooks),
      ledger: hooked(ledger, hooks),
      executions: hooked(executions, hooks),
    },
    told: (number: number) =>
      ledger.records
        .filter(({ data }) => data.releaseId === releaseIdOf(number))
        .map(({ event }) => event.type),
    /** What a release's workflow does once it sees the fence raised: no traffic had moved. */
    end: (number: number) => endStopped(ports, number),
    sweep: async () => {
      for (const release of await releases.open()) await recoverRelease(ports, release);
    },
  };
};

const endStopped = async (ports: Parameters<typeof concludeRelease>[0], number: number): Promise<void> => {
  const releaseId = releaseIdOf(number);
  const { fence } = await ports.releases.readFence(releaseId);
  await ports.releases.noteVerified(releaseId, { at: 'stable', fence, time: NOW });
  await concludeRelease(ports, releaseId, 'restored');
};

describe('a release that takes the place of another', () => {
  it('waits, stops the active one, and goes once that has ended', async () => {
    const { ports, releases, executions, ledger, told, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    const waiting = await requestRelease(ports, asked(2));
    expect(phaseOf(waiting)).toBe('waiting');
    expect(executions.started).toEqual([`release/${releaseIdOf(1)}-1`]);
    expect(releases.peek(releaseIdOf(1))).toMatchObject({
      mode: 'restoring',
      restoreCause: [{ code: 'superseded', facts: { by: releaseIdOf(2) } }],
    });
    await sweep();
    expect(executions.started).toHaveLength(1);
    await end(1);
    await sweep();
    expect(executions.started).toEqual([`release/${releaseIdOf(1)}-1`, `release/${releaseIdOf(2)}-1`]);
    expect(told(1)).toEqual(['release.accepted', 'release.aborted']);
    expect(told(2)).toEqual(['release.queued', 'release.accepted']);
    expect(ledger.records.find(({ event }) => event.type === 'release.aborted')?.data.reasons).toMatchObject([
      { text: `superseded by release ${releaseIdOf(2)} of version 3` },
    ]);
    const present = releases.peek(releaseIdOf(2));
    expect(present && phaseOf(present)).toBe('running');
    expect(releases.lockOf('checkout', 'production')).toBe(releaseIdOf(2));
  });

  it('lets a rollback finish: stopped, it would bring the bad version back', async () => {
    const { ports, releases, executions, sweep } = await aDoor();
    const rollback = aRelease({ releaseId: releaseIdOf(1), version: '1', strategy: 'rollback' });
    await requestDrafted(ports, rollback, { key: 'rollback', requestDigest: 'a' });
    expect(phaseOf(await requestRelease(ports, asked(2)))).toBe('waiting');
    await requestRelease(ports, asked(3));
    await sweep();
    expect(releases.peek(releaseIdOf(1))).toMatchObject({ mode: 'forward', fence: 1 });
    const { releaseId } = rollback;
    await releases.noteVerified(releaseId, { at: 'new', fence: 1, time: NOW });
    await releases.decide(releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
    await releases.close(rollback, NOW);
    await sweep();
    expect(executions.started.at(-1)).toBe(`release/${releaseIdOf(3)}-1`);
  });

  it('is the only one that waits: a newer one takes its place, and it ends without having begun', async () => {
    const { ports, releases, executions, told, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    await requestRelease(ports, asked(3));
    await sweep();
    expect(releases.peek(releaseIdOf(2))).toMatchObject({
      mode: 'restoring',
      restoreCause: [{ text: `superseded by release ${releaseIdOf(3)} of version 4` }],
    });
    await sweep();
    expect(executions.started.filter((name) => name.startsWith('recovery'))).toEqual([
      `recovery/${releaseIdOf(2)}-1-recovery-1`,
    ]);
    await end(2);
    expect(told(2)).toEqual(['release.queued', 'release.aborted']);
    await end(1);
    await sweep();
    expect(executions.started.at(-1)).toBe(`release/${releaseIdOf(3)}-1`);
  });

  it('that got its turn at once is not stopped by the one it displaced', async () => {
    const { ports, releases, executions, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    await end(1);
    await requestRelease(ports, asked(3));
    expect(executions.started).toEqual([`release/${releaseIdOf(1)}-1`, `release/${releaseIdOf(3)}-1`]);
    await sweep();
    expect(releases.peek(releaseIdOf(3))).toMatchObject({ mode: 'forward' });
    expect(releases.peek(releaseIdOf(2))).toMatchObject({
      mode: 'restoring',
      restoreCause: [{ text: `superseded by release ${releaseIdOf(3)} of version 4` }],
    });
  });

  it('and has ended when the one it displaced is looked at leaves that one ended too', async () => {
    const { ports, releases, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    await end(1);
    await requestRelease(ports, asked(3));
    await releases.beginRestore(releaseIdOf(3), [{ code: 'operator-abort', text: 'aborted by ann' }]);
    await end(3);
    await sweep();
    expect(releases.peek(releaseIdOf(2))).toMatchObject({
      mode: 'restoring',
      restoreCause: [{ text: 'superseded by a newer release' }],
    });
  });

  it('asked for again under its key is the same one, waiting or not', async () => {
    const { ports, executions, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    const again = asked(2, { releaseId: releaseIdOf(9) });
    expect((await requestRelease(ports, again)).releaseId).toBe(releaseIdOf(2));
    await end(1);
    await sweep();
    expect((await requestRelease(ports, asked(2))).waiting).toBeUndefined();
    expect(executions.started).toHaveLength(2);
  });

  it('aborted while it waits ends without having begun, and leaves the way free', async () => {
    const { ports, releases, executions, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    await releases.beginRestore(releaseIdOf(2), [{ code: 'operator-abort', text: 'aborted by ann' }]);
    await sweep();
    await end(2);
    await end(1);
    expect((await requestRelease(ports, asked(3))).mode).toBe('forward');
    expect(executions.started.at(-1)).toBe(`release/${releaseIdOf(3)}-1`);
  });

  it('is not told to be a recovery: nobody has to look after it', async () => {
    const { ports, told, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    await requestRelease(ports, asked(3));
    await sweep();
    await sweep();
    expect(told(2)).not.toContain('release.recovered');
  });

  it('waits for a freeze to end, too', async () => {
    const { ports, releases, executions, end, sweep } = await aDoor();
    await requestRelease(ports, asked(1));
    await requestRelease(ports, asked(2));
    const freeze = { until: '2999-01-01T00:00:00.000Z', reason: 'fire', by: ann, at: NOW };
    await releases.putEnvironment({ environment: 'production', revision: 1, freeze, keys: [] });
    await end(1);
    await sweep();
    expect(executions.started).toHaveLength(1);
    await expect(requestRelease(ports, asked(3))).rejects.toBeInstanceOf(ConflictError);
    await releases.putEnvironment({ environment: 'production', revision: 2, keys: [] });
    await sweep();
    expect(executions.started.at(-1)).toBe(`release/${releaseIdOf(2)}-1`);
  });

  for (const when of ['before', 'after'] as const)
    it.each(['queue', 'append', 'admit', 'beginRestore'])(
      `cut off ${when} %s is finished by the sweep or by its repetition, once`,
      async (call) => {
        let cut = false;
        const cutOff = (method: string) => {
          if (method !== call || cut) return;
          cut = true;
          throw new TransientError('no answer');
        };
        const { failing, ports, executions, told, end, sweep } = await aDoor({ [when]: cutOff });
        await requestRelease(ports, asked(1));
        await expect(requestRelease(failing, asked(2))).rejects.toBeInstanceOf(TransientError);
        await sweep();
        await requestRelease(ports, asked(2));
        await end(1);
        await sweep();
        await sweep();
        expect(executions.started).toEqual([`release/${releaseIdOf(1)}-1`, `release/${releaseIdOf(2)}-1`]);
        expect(told(2)).toEqual(['release.queued', 'release.accepted']);
      },
    );
});

type Actor = 'newer' | 'again' | 'newest' | 'workflow' | 'sweep' | 'abort';

/** One release is active; others take its place while its workflow ends it, wherever any of them breaks. */
const exploreSuperseding = (
  actors: readonly Actor[],
  { faults, preemptions }: { readonly faults: number; readonly preemptions: number },
  broken: (releases: MemoryReleases) => Partial<MemoryReleases> = () => ({}),
) =>
  explore({
    faults,
    preemptions,
    fates: (call): readonly Fate[] =>
      /\.(get|open|status|readFence)/.test(call) ? ['fail-before'] : ['fail-before', 'fail-after', 'die'],
    isUnnoticed: (call) => call.startsWith('ledger'),
    world: async (scheduler: Scheduler) => {
      const services = await supersedingServices();
      const store = memoryReleases();
      const arrived: ReleaseId[] = [];
      const arrives = (releaseId: ReleaseId, { kind }: { readonly kind: string }) => {
        if (kind === 'reserved' || kind === 'queued') arrived.push(releaseId);
      };
      const releases: MemoryReleases = {
        ...store,
        reserve: async (release, key) => {
          const reservation = await store.reserve(release, key);
          arrives(release.releaseId, reservation);
          return reservation;
        },
        queue: async (release, key, waiter) => {
          const queueing = await store.queue(release, key, waiter);
          arrives(release.releaseId, queueing);
          return queueing;
        },
        ...broken(store),
      };
      const executions = memoryExecutions();
      const ledger = batchLedger();
      const door = {
        services,
        productionStrategies: ['canary'] as const,
        switches: memorySwitches(),
        releases,
        ledger,
        executions,
        now: () => LATER,
        startGraceSeconds: GRACE_SECONDS,
      };
      await requestRelease(door, asked(1));
      const spawn = (actor: Actor) => {
        const ports = {
          ...door,
          releases: scheduler.ported(actor, 'releases', releases),
          ledger: scheduler.ported(actor, 'ledger', ledger),
          executions: scheduler.ported(actor, 'executions', executions),
        };
        const bodies: Record<Actor, () => Promise<unknown>> = {
          newer: () => requestRelease(ports, asked(2)),
          again: () => requestRelease(ports, asked(2)),
          newest: () => requestRelease(ports, asked(3)),
          // Sees the fence only once it is raised, as a look does.
          workflow: async () => {
            if ((await ports.releases.readFence(releaseIdOf(1))).mode === 'restoring')
              await endStopped(ports, 1);
          },
          sweep: async () => {
            for (const release of await ports.releases.open()) await recoverRelease(ports, release);
          },
          abort: () => ports.releases.beginRestore(releaseIdOf(2), [{ code: 'operator-abort', text: 'no' }]),
        };
        scheduler.spawn(actor, async () => {
          await Promise.resolve();
          await bodies[actor]();
        });
      };
      for (const actor of actors) spawn(actor);
      const all = () => [1, 2, 3].flatMap((number) => releases.peek(releaseIdOf(number)) ?? []);
      const isUnder = (number: number) => executions.started.includes(`release/${releaseIdOf(number)}-1`);
      return {
        place: () => [...all(), executions.started.join(' '), ledger.place()],
        observe: () => {
          expect(ledger.contradicted).toEqual([]);
          expect(new Set(executions.started).size).toBe(executions.started.length);
          // Of two that were launched, the older has ended: no two are on their way at once.
          const launched = all().filter(({ releaseId }) => isUnder(Number(releaseId.slice(-2))));
          expect(launched.filter(({ concludedAt }) => concludedAt === undefined).length).toBeLessThanOrEqual(
            1,
          );
        },
        settle: async () => {
          for (let round = 0; round < 8; round += 1) {
            for (const release of await releases.open()) {
              const number = Number(release.releaseId.slice(-2));
              const present = releases.peek(release.releaseId);
              if (present?.mode !== 'forward' && present?.concludedAt === undefined)
                await endStopped(door, number);
              else await recoverRelease(door, release);
            }
          }
          const open = await releases.open();
          const kept = all();
          // At most one is left, it has begun, and it is the one that nobody stopped: the last that was kept.
          expect(open.length).toBeLessThanOrEqual(1);
          const unstopped = kept.filter(({ mode }) => mode === 'forward');
          expect(open.map(({ releaseId }) => releaseId)).toEqual(unstopped.map(({ releaseId }) => releaseId));
          for (const { releaseId, waiting } of open) {
            expect(waiting).toBeUndefined();
            expect(isUnder(Number(releaseId.slice(-2)))).toBe(true);
            expect(releases.lockOf('checkout', 'production')).toBe(releaseId);
          }
          if (open.length === 0) expect(releases.lockOf('checkout', 'production')).toBeUndefined();
          if (!actors.includes('abort') && kept.length > 1) expect(open).toHaveLength(1);
          if (!actors.includes('abort'))
            for (const { releaseId } of open) expect(releaseId).toBe(arrived.at(-1));
        },
      };
    },
  });

describe('superseding, whatever comes at once and wherever it breaks', () => {
  it.each<[string, Actor[], { readonly faults: number; readonly preemptions: number }]>([
    [
      'one newer, and the end of the active one',
      ['newer', 'workflow', 'sweep'],
      { faults: 1, preemptions: 1 },
    ],
    ['one newer, delivered twice', ['newer', 'again'], { faults: 1, preemptions: 2 }],
    ['two newer ones', ['newer', 'newest', 'workflow'], { faults: 0, preemptions: 2 }],
    ['two newer ones that break', ['newer', 'newest'], { faults: 1, preemptions: 1 }],
    ['one that is aborted while it waits', ['newer', 'abort', 'sweep'], { faults: 0, preemptions: 2 }],
  ])(
    'leaves one release on its way, and every other one ended once: %s',
    async (_what, actors, bounds) => {
      const { runs, violation } = await exploreSuperseding(actors, bounds);
      if (violation !== undefined)
        throw new Error(`${violation.error.message}\nafter:\n${scheduleText(violation.steps)}`);
      expect(runs).toBeGreaterThan(10);
    },
    60_000,
  );

  it.each<[string, Actor[], (releases: MemoryReleases) => Partial<MemoryReleases>]>([
    [
      'a turn without a free lock',
      ['newer'],
      ({ admit }) => ({
        admit: async (release, at) => {
          const admission = await admit(release, at);
          return admission.kind === 'behind' ? { kind: 'admitted' } : admission;
        },
      }),
    ],
    [
      'an active release that is not stopped',
      ['newer', 'workflow'],
      () => ({ beginRestore: async () => undefined }),
    ],
  ])('would be found out with %s', async (_what, actors, broken) => {
    const { violation } = await exploreSuperseding(actors, { faults: 0, preemptions: 1 }, broken);
    expect(violation).toBeDefined();
  });
});
