import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { ALIAS, demoMetrics, VARIANTS } from '../../local/demo/checkout.ts';
import { createService, ended, operator, recorded, settingsOf, type TestService } from './harness.ts';
import { expectSound } from './invariants.ts';

const STABLE = VARIANTS.stable.version;
const GOOD = VARIANTS.good.version;

/** One service in two places, each a function with traffic of its own. */
const twoPlaces = async (): Promise<{ first: TestService; second: TestService; stop(): Promise<void> }> => {
  const first = await createService();
  const second = await createService();
  const waves = [
    {
      name: 'second',
      target: { kind: 'lambda-alias' as const, functionName: second.functionName, alias: ALIAS },
      bakeSeconds: 3,
    },
  ];
  await operator.call(serviceRoutes.putService, {
    params: { service: first.service },
    body: { environments: { production: { ...settingsOf(first.functionName), waves } } },
  });
  return {
    first,
    second,
    stop: async () => {
      await first.stop();
      await second.stop();
    },
  };
};

describe('a release of two waves', () => {
  it('moves one after the other, bakes in between, and promotes both', async () => {
    const { first, second, stop } = await twoPlaces();
    const releaseId = await first.request(GOOD);
    await recorded(releaseId, 'release.watch.began');
    expect((await second.routing()).weights).toEqual({});
    await ended(releaseId);
    const records = await expectSound(first, releaseId, { outcome: 'promoted', runs: GOOD });
    expect(await second.routing()).toEqual({ primary: GOOD, weights: {} });
    const shifts = records.filter(({ event }) => event.type === 'release.shift.done');
    expect(shifts.map(({ data }) => [data.wave, data.weightPercent])).toEqual([
      ['first', 25],
      ['first', 100],
      ['second', 25],
      ['second', 100],
    ]);
    await stop();
  });

  it('restores both when the first goes bad while the second rolls out', async () => {
    const { first, second, stop } = await twoPlaces();
    const releaseId = await first.request(GOOD);
    await recorded(releaseId, 'release.watch.passed');
    first.degrade(GOOD, VARIANTS.failing.failPercent);
    const end = await ended(releaseId);
    await expectSound(first, releaseId, { outcome: 'rolled-back', runs: STABLE });
    expect(await second.routing()).toEqual({ primary: STABLE, weights: {} });
    expect(JSON.stringify(end.data.reasons)).toContain('wave first');
    await stop();
  });

  it('takes versions by the name of the wave, and refuses a wave that there is none of', async () => {
    const { first, stop } = await twoPlaces();
    const ask = (versions: Record<string, string>) =>
      operator.call(releaseRoutes.requestRelease, {
        body: { service: first.service, environment: 'production', version: GOOD, versions },
        idempotencyKey: randomUUID(),
      });
    await expect(ask({ third: GOOD })).rejects.toMatchObject({ problem: { status: 400 } });
    const { releaseId, waves } = await ask({ second: '77' });
    expect(waves.map(({ version }) => version)).toEqual([GOOD, '77']);
    const end = await ended(releaseId);
    expect(end.event.type).toBe('release.refused');
    expect(JSON.stringify(end.data.reasons)).toContain('wave second');
    await stop();
  });
});

describe('a target of its own', () => {
  it('is needed by each wave', async () => {
    const name = `checkout-${randomBytes(4).toString('hex')}`;
    const target = { kind: 'lambda-alias' as const, functionName: name, alias: ALIAS };
    const put = operator.call(serviceRoutes.putService, {
      params: { service: name },
      body: {
        environments: { production: { target, metrics: demoMetrics, waves: [{ name: 'us', target }] } },
      },
    });
    await expect(put).rejects.toMatchObject({
      problem: { faults: [{ path: 'environments.production.waves.0.target' }] },
    });
  });
});
