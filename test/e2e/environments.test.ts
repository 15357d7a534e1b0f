import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { REQUESTED_EVENT } from '../../functions/releases/requested-event.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { putEvent } from './doors/bus.ts';
import { keptIn } from './doors/queue.ts';
import { newName, register, environment as settings } from './doors/services.ts';
import { ledgerSize, recordsFrom } from './doors/stored.ts';
import {
  createService,
  ended,
  eventually,
  fault,
  getRelease,
  operator,
  recorded,
  type TestService,
} from './harness.ts';
import { expectOneEnd } from './invariants.ts';

const GOOD = VARIANTS.good.version;
const ON_STABLE = { primary: VARIANTS.stable.version, weights: {} };

/** An environment that no other test releases into. */
const newEnvironment = (): string => `e${randomBytes(6).toString('hex')}`;
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

const freeze = (environment: string, until = inSeconds(3_600)) =>
  operator.call(releaseRoutes.freezeEnvironment, {
    params: { environment },
    body: { until, reason: 'quarter end' },
  });
const thaw = (environment: string) =>
  operator.call(releaseRoutes.thawEnvironment, { params: { environment }, body: { reason: 'it is over' } });
const stateOf = (environment: string) => operator.call(releaseRoutes.getFreeze, { params: { environment } });
const abortAll = (environment: string) =>
  operator.call(commandRoutes.abortAll, { params: { environment }, body: { reason: 'fire' } });

const services: TestService[] = [];
const aService = async (environment: string): Promise<TestService> => {
  const service = await createService({}, environment);
  services.push(service);
  return service;
};
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

const typesFrom = async (seq: number, environment: string): Promise<readonly string[]> =>
  (await recordsFrom(seq))
    .filter(({ change }) => change.environment === environment)
    .map(({ event }) => event.type);

describe('a frozen environment', () => {
  it('takes no release, over the API or by event, and says who, why and until when, until it is thawed', async () => {
    const environment = newEnvironment();
    const service = newName('frozen');
    await register(service, { environments: { [environment]: settings() } });
    const size = await ledgerSize();
    expect(await stateOf(environment)).toEqual({ environment, revision: 0, frozen: false });
    await expect(thaw(environment)).rejects.toMatchObject({ problem: { status: 409 } });
    const until = inSeconds(3_600);
    const frozen = await freeze(environment, until);
    expect(frozen).toMatchObject({
      frozen: true,
      freeze: { until, reason: 'quarter end', by: { login: 'olive' } },
    });
    expect(await stateOf(environment)).toEqual(frozen);
    const request = { service, environment, version: '1' };
    const ask = (idempotencyKey: string) =>
      operator.call(releaseRoutes.requestRelease, { body: request, idempotencyKey });
    const key = randomUUID();
    await expect(ask(key)).rejects.toMatchObject({
      problem: {
        status: 409,
        detail: expect.stringContaining(`${environment} is frozen by olive until ${until}: quarter end`),
      },
    });
    const eventId = await putEvent({ detailType: REQUESTED_EVENT, detail: request });
    expect((await keptIn('sluice-refused-requests', eventId)).reason).toContain('is frozen by olive');
    await thaw(environment);
    const { releaseId } = await ask(key);
    await ended(releaseId);
    const types = await typesFrom(size, environment);
    expect(types.slice(0, 5)).toEqual([
      'environment.freeze.intended',
      'environment.frozen',
      'release.refused',
      'environment.thaw.intended',
      'environment.thawed',
    ]);
  });

  it('is free again by itself at the end of its time', async () => {
    const environment = newEnvironment();
    const service = newName('frozen');
    await register(service, { environments: { [environment]: settings() } });
    await freeze(environment, inSeconds(2));
    const ask = () =>
      operator.call(releaseRoutes.requestRelease, {
        body: { service, environment, version: '1' },
        idempotencyKey: randomUUID(),
      });
    await expect(ask()).rejects.toMatchObject({ problem: { status: 409 } });
    const release = await eventually('the freeze is over', () => ask().catch(() => undefined), 20);
    expect(await stateOf(environment)).toMatchObject({ frozen: false });
    await ended(release.releaseId);
  });

  it('lets a release go on that was on its way', async () => {
    const environment = newEnvironment();
    const service = await aService(environment);
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.shift.done');
    await freeze(environment);
    expect((await ended(releaseId)).event.type).toBe('release.promoted');
  });

  it('is one that there is: a mistyped name would hold nothing up', async () => {
    await expect(freeze(newEnvironment())).rejects.toMatchObject({ problem: { status: 404 } });
  });

  it.each([[-1], [400 * 86_400]])('does not end in %s s', async (seconds) => {
    const refused = freeze(newEnvironment(), inSeconds(seconds));
    await expect(refused).rejects.toMatchObject({ problem: { status: 400, faults: [{ path: 'until' }] } });
  });
});

describe('abort-all', () => {
  it('brings every release of its environment back, verified, leaves others alone, and is safe to repeat', async () => {
    const [environment, elsewhere] = [newEnvironment(), newEnvironment()];
    const [one, two, other] = await Promise.all([
      aService(environment),
      aService(environment),
      aService(elsewhere),
    ]);
    if (one === undefined || two === undefined || other === undefined) return expect.fail('no services');
    const ids = await Promise.all([one, two, other].map((service) => service.request(GOOD)));
    const [first, second, third] = ids as [ReleaseId, ReleaseId, ReleaseId];
    await Promise.all(ids.map((releaseId) => recorded(releaseId, 'release.shift.done')));
    const size = await ledgerSize();
    const { complete, releases } = await abortAll(environment);
    expect(complete).toBe(true);
    expect(releases.map(({ releaseId, result }) => [releaseId, result]).toSorted()).toEqual(
      [
        [first, 'restored'],
        [second, 'restored'],
      ].toSorted(),
    );
    expect(await one.routing()).toEqual(ON_STABLE);
    expect(await two.routing()).toEqual(ON_STABLE);
    expect((await abortAll(environment)).complete).toBe(true);
    for (const releaseId of [first, second]) {
      await ended(releaseId);
      expectOneEnd(await timelineOf(operator, releaseId), 'release.rolled-back');
    }
    expect(await getRelease(first)).toMatchObject({ abortedBy: { login: 'olive' } });
    expect(await abortAll(environment)).toMatchObject({ complete: true, releases: [] });
    expect(await typesFrom(size, environment)).toContain('environment.abort-all.done');
    expect((await ended(third)).event.type).toBe('release.promoted');
  });

  it('tells which release it could not bring back, brings the others back, and does the rest when repeated', async () => {
    const environment = newEnvironment();
    const [one, two] = await Promise.all([aService(environment), aService(environment)]);
    if (one === undefined || two === undefined) return expect.fail('no services');
    const ids = await Promise.all([one, two].map((service) => service.request(GOOD)));
    await Promise.all(ids.map((releaseId) => recorded(releaseId, 'release.shift.done')));
    const broken = await fault({
      match: `^PUT .*/functions/${one.functionName}/aliases/`,
      functionName: 'sluice-obey-command',
      action: 'refuse',
      times: 1_000,
    });
    try {
      const first = await abortAll(environment);
      expect(first.complete).toBe(false);
      expect(first.text).toContain('1 of 2 releases');
      const results = new Map(first.releases.map(({ service, result }) => [service, result]));
      expect(results.get(one.service)).toBe('failed');
      expect(results.get(two.service)).toBe('restored');
      expect(await two.routing()).toEqual(ON_STABLE);
      await broken.release();
      expect((await abortAll(environment)).complete).toBe(true);
      expect(await one.routing()).toEqual(ON_STABLE);
      await Promise.all(ids.map((releaseId) => ended(releaseId)));
    } finally {
      await broken.release();
    }
  });
});
