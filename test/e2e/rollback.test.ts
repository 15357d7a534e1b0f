import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { localEnvironment } from '../../local/credentials.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import {
  abort,
  createService,
  ended,
  fault,
  getRelease,
  operator,
  recorded,
  type TestService,
  withService,
  world,
} from './harness.ts';
import { expectSound } from './invariants.ts';

const STABLE = VARIANTS.stable.version;
const GOOD = VARIANTS.good.version;
const body = { environment: 'production', reason: 'a test said so' };

/** Long enough for something to go wrong in it. */
const watched = {
  stages: [
    { weightPercent: 50, rounds: 1, roundSeconds: 2 },
    { weightPercent: 100, rounds: 1, roundSeconds: 2 },
  ],
  stageDeadlineSeconds: 20,
  holdSeconds: 5,
  watchSeconds: 60,
};

const promote = async (service: TestService): Promise<void> => {
  await ended(await service.request(GOOD));
  expect(await service.routing()).toEqual({ primary: GOOD, weights: {} });
};
const rollBack = (service: TestService, key: string = randomUUID()) =>
  operator.call(releaseRoutes.rollBackService, {
    params: { service: service.service },
    body,
    idempotencyKey: key,
  });

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..', '..');
/** The real command with credentials of its own, as an operator would run it. */
const rescue = async (service: TestService, ...more: string[]) => {
  const args = [
    path.join(root, 'cli', 'sluice.mjs'),
    'rescue',
    service.service,
    '--env',
    'production',
    ...more,
  ];
  const { stdout } = await run('node', args, { env: localEnvironment(world.endpoint) });
  return stdout;
};

describe('after a promotion', () => {
  withService('one operator brings the last good version back, at once, and once', async ({ service }) => {
    await promote(service);
    const key = randomUUID();
    const { releaseId } = await rollBack(service, key);
    const end = await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'promoted', runs: STABLE });
    expect(end.data).toMatchObject({ strategy: 'rollback' });
    expect((await rollBack(service, key)).releaseId).toBe(releaseId);
    await expect(rollBack(service)).rejects.toMatchObject({ problem: { status: 409 } });
  });

  withService('there is nothing to go back to before one', async ({ service }) => {
    await expect(rollBack(service)).rejects.toMatchObject({
      problem: { status: 409, detail: expect.stringContaining('no last good version') },
    });
  });

  it('a version that goes bad while it is watched is rolled back', async () => {
    const service = await createService({ plan: watched });
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.watch.began');
    service.degrade(GOOD, VARIANTS.failing.failPercent);
    const end = await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
    expect(end.data).toMatchObject({ restored: { milliseconds: expect.any(Number) } });
    await service.stop();
  });
});

describe('a rollback drill', () => {
  withService(
    'moves real traffic, finds it failing, brings it back and says how fast',
    async ({ service }) => {
      await promote(service);
      const { releaseId } = await operator.call(releaseRoutes.drillRollback, {
        params: { service: service.service },
        body,
        idempotencyKey: randomUUID(),
      });
      const end = await ended(releaseId);
      const records = await expectSound(service, releaseId, { outcome: 'rolled-back', runs: GOOD });
      expect(records.filter(({ event }) => event.type === 'release.shift.done')).toMatchObject([
        { data: { weightPercent: 1, canary: STABLE } },
      ]);
      expect(end.data).toMatchObject({ strategy: 'drill', restored: { milliseconds: expect.any(Number) } });
      const report = await operator.call(releaseRoutes.getRollbacks, {
        params: { service: service.service },
        query: {},
      });
      expect(report.drills).toMatchObject({ begun: 1, succeeded: 1, successRate: 1 });
      expect(report.real).toEqual({ begun: 0, succeeded: 0 });
    },
  );
});

describe('when Sluice is down', () => {
  withService('an operator brings traffic back with credentials of their own', async ({ service }) => {
    await promote(service);
    expect(await rescue(service, '--dry-run')).toContain(`would set wave first to ${STABLE}`);
    expect(await service.routing()).toEqual({ primary: GOOD, weights: {} });
    expect(await rescue(service)).toContain(`all traffic is on ${STABLE}, read back`);
    expect(await service.routing()).toEqual({ primary: STABLE, weights: {} });
  });

  withService('in the middle of a rollout too, and the rollout ends on it', async ({ service }) => {
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.shift.done');
    await rescue(service);
    expect(await service.routing()).toEqual({ primary: STABLE, weights: {} });
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
  });

  withService(
    'an abort brings traffic back without the state, and says that it could not be noted',
    async ({ service }) => {
      const releaseId = await service.request(GOOD);
      await recorded(releaseId, 'release.shift.done');
      const state = await fault({
        match: 'DynamoDB_20120810',
        functionName: 'sluice-obey-command',
        action: 'refuse',
        times: 100,
      });
      try {
        await expect(abort(releaseId)).rejects.toMatchObject({
          problem: { status: 503, detail: expect.stringContaining('traffic is back on stable') },
        });
        expect((await service.routing()).primary).toBe(STABLE);
      } finally {
        await state.release();
      }
      await ended(releaseId);
      expect((await getRelease(releaseId)).outcome).toBe('rolled-back');
      expect((await timelineOf(operator, releaseId)).length).toBeGreaterThan(0);
    },
  );
});
