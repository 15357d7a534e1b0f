import { describe, expect, it } from 'vitest';
import { digestOf } from '#platform/digest.ts';
import { ConflictError } from '#platform/errors.ts';
import { recoverRelease } from '#releases/recover-release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { requestRelease } from '#releases/request-release.ts';
import { ann, NOW_MS, releaseIdOf } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';
import { memoryServices } from '../fakes/memory-services.ts';
import { memorySwitches } from '../fakes/memory-switches.ts';
import { batchLedger } from '../rollout/exploration/control-plane.ts';
import { explore, scheduleText } from '../rollout/exploration/explore.ts';
import type { Fate, Scheduler } from '../rollout/exploration/scheduler.ts';

const request = releaseRequestSchema.parse({ service: 'checkout', environment: 'production', version: '2' });
const GRACE_SECONDS = 60;
const LATER = new Date(NOW_MS + 2 * GRACE_SECONDS * 1_000).toISOString();

type Actor = 'request' | 'again' | 'other' | 'sweep';

const newDoor = async () => {
  const services = memoryServices();
  await services.put(aRegisteredService());
  return { services, releases: memoryReleases(), ledger: batchLedger(), executions: memoryExecutions() };
};
type Door = Awaited<ReturnType<typeof newDoor>>;

/** `again` is the same request delivered a second time, `other` another one; the sweep comes when the grace is over. */
const spawn = (scheduler: Scheduler, actor: Actor, door: Door, number: number): void => {
  const ports = {
    services: door.services,
    productionStrategies: ['canary'] as const,
    switches: memorySwitches(),
    releases: scheduler.ported(actor, 'releases', door.releases),
    ledger: scheduler.ported(actor, 'ledger', door.ledger),
    executions: scheduler.ported(actor, 'executions', door.executions),
    now: () => LATER,
    startGraceSeconds: GRACE_SECONDS,
  };
  const ask = (key: string) =>
    requestRelease(ports, {
      request,
      requestedBy: ann,
      key,
      requestDigest: digestOf(request),
      releaseId: releaseIdOf(number),
      at: new Date(NOW_MS).toISOString(),
    });
  const bodies: Record<Actor, () => Promise<unknown>> = {
    request: () => ask('key'),
    again: () => ask('key'),
    other: () => ask('another key'),
    sweep: async () => {
      for (const release of await ports.releases.open()) await recoverRelease(ports, release);
    },
  };
  scheduler.spawn(actor, async () => {
    await Promise.resolve();
    await bodies[actor]();
  });
};

const exploreDoor = (actors: readonly Actor[], faults: number) =>
  explore({
    faults,
    preemptions: 2,
    fates: (call): readonly Fate[] =>
      /\.(get|open|status)/.test(call) ? ['fail-before'] : ['fail-before', 'fail-after', 'die'],
    isUnnoticed: (call) => call.startsWith('ledger'),
    world: async (scheduler) => {
      const door = await newDoor();
      actors.forEach((actor, index) => {
        spawn(scheduler, actor, door, index + 1);
      });
      const open = () => door.releases.open();
      return {
        place: () => [
          ...actors.map((_, index) => door.releases.peek(releaseIdOf(index + 1))),
          door.executions.started.join(' '),
          door.ledger.place(),
        ],
        observe: () => {
          expect(door.executions.started.length).toBeLessThanOrEqual(1);
          expect(door.ledger.contradicted).toEqual([]);
        },
        settle: async () => {
          const refused = scheduler.errors().filter(({ error }) => error instanceof ConflictError);
          if (!actors.includes('other')) expect(refused).toEqual([]);
          const ports = { ...door, now: () => LATER, startGraceSeconds: GRACE_SECONDS };
          for (const release of await open()) await recoverRelease(ports, release);
          const [release, ...more] = await open();
          expect(more).toEqual([]);
          if (release === undefined) return;
          expect(door.executions.started).toEqual([`release/${release.releaseId}-1`]);
          expect(door.ledger.has('release.accepted')).toBe(true);
          expect(door.ledger.has('release.recovered')).toBe(false);
        },
      };
    },
  });

describe('the door, whatever comes at once and wherever it breaks', () => {
  it.each<[string, Actor[], number]>([
    ['one request that breaks, and the sweep', ['request', 'sweep'], 2],
    ['one request delivered twice', ['request', 'again'], 2],
    ['one request delivered twice, and the sweep', ['request', 'again', 'sweep'], 1],
    ['another request at the same time', ['request', 'other', 'again'], 1],
  ])(
    'starts one release, once: %s',
    async (_what, actors, faults) => {
      const { runs, violation } = await exploreDoor(actors, faults);
      if (violation !== undefined)
        throw new Error(`${violation.error.message}\nafter:\n${scheduleText(violation.steps)}`);
      expect(runs).toBeGreaterThan(10);
    },
    30_000,
  );
});
