import { describe, expect, it } from 'vitest';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { abortAll } from '#rollout/abort-all.ts';
import { isAlone } from '#rollout/routing.ts';
import { ann, aRelease, aWave, checkoutTarget, NOW, releaseIdOf, STABLE } from '../builders/release.ts';
import { aMovedRollout, type PortHooks } from '../builders/rollout.ts';

/** A release at 50 %, one of another environment, and one that has not moved anything. */
const threeReleases = async (hooks: PortHooks = {}) => {
  const rollout = await aMovedRollout(50, hooks);
  const others = [
    aRelease({
      releaseId: releaseIdOf(2),
      service: 'cart',
      waves: [aWave({ target: { ...checkoutTarget, functionName: 'cart' } })],
    }),
    aRelease({
      releaseId: releaseIdOf(3),
      environment: 'staging',
      waves: [aWave({ target: { ...checkoutTarget, alias: 'staging' } })],
    }),
  ];
  for (const release of others)
    await rollout.releases.reserve(release, { value: release.releaseId, requestDigest: 'd' });
  const ports = { ...rollout.ports, withinTime: <T>(work: Promise<T>) => work };
  return { ...rollout, ports };
};

const command = { environment: 'production', reason: 'fire', by: ann, key: 'key-1', at: NOW };

describe('abort-all', () => {
  it('brings back every release of the environment, and no other, and tells of each', async () => {
    const { ports, releases, shifter, ledger } = await threeReleases();
    const { complete, releases: results } = await abortAll(ports, command);
    expect(complete).toBe(true);
    expect(results).toMatchObject([
      { releaseId: releaseIdOf(1), service: 'checkout', result: 'restored' },
      { releaseId: releaseIdOf(2), service: 'cart', result: 'nothing-moved' },
    ]);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(releases.peek(releaseIdOf(3))?.mode).toBe('forward');
    const aborts = ledger.records.filter(({ event }) => event.type === 'release.abort.accepted');
    expect(aborts.map(({ actor, data }) => [actor.login, data.releaseId])).toEqual([
      ['ann', releaseIdOf(1)],
      ['ann', releaseIdOf(2)],
    ]);
    expect(ledger.records.at(-1)).toMatchObject({
      event: { type: 'environment.abort-all.done' },
      actor: ann,
      change: { environment: 'production' },
      data: { reason: 'fire', count: 2 },
    });
  });

  it('with nothing on its way says so, and is recorded all the same', async () => {
    const { ports, ledger } = await threeReleases();
    const result = await abortAll(ports, { ...command, environment: 'moon' });
    expect(result).toMatchObject({ complete: true, releases: [], text: 'no release is on its way in moon' });
    expect(ledger.records.at(-1)?.event.type).toBe('environment.abort-all.done');
  });

  it('tells which could not be restored, keeps the others from nothing, and does the rest when repeated', async () => {
    let broken = true;
    const { ports, releases, shifter } = await threeReleases({
      shifter: {
        before: (method) => {
          if (method === 'restore' && broken) throw new TransientError('no answer');
        },
      },
    });
    const first = await abortAll(ports, command);
    expect(first.complete).toBe(false);
    expect(first.text).toContain('1 of 2 releases');
    expect(first.releases).toMatchObject([
      { result: 'failed', text: expect.stringContaining('no answer') },
      { result: 'nothing-moved' },
    ]);
    expect(releases.peek(releaseIdOf(1))?.mode).toBe('restoring');
    broken = false;
    const second = await abortAll(ports, { ...command, key: 'key-2' });
    expect(second).toMatchObject({ complete: true, releases: [{ result: 'restored' }, {}] });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });

  it('never takes a release whose target others keep writing to for one that has ended', async () => {
    const { ports, releases, shifter } = await threeReleases({
      shifter: {
        before: (method) => {
          if (method === 'restore') throw new ConflictError('environment e1 was deployed to meanwhile');
        },
      },
    });
    const { complete, releases: results } = await abortAll(ports, command);
    expect(isAlone(shifter.routing(), STABLE)).toBe(false);
    expect(releases.peek(releaseIdOf(1))?.mode).toBe('restoring');
    expect(complete).toBe(false);
    expect(results[0]).toMatchObject({
      result: 'failed',
      text: expect.stringContaining('environment e1 was deployed to meanwhile; stop whatever else'),
    });
  });

  it('tells what it knows of a release that takes too long', async () => {
    const { ports } = await threeReleases();
    const late = async (): Promise<never> => {
      throw new TransientError('no answer within 22 s');
    };
    const { complete, releases } = await abortAll({ ...ports, withinTime: late }, command);
    expect(complete).toBe(false);
    expect(releases.map(({ result }) => result)).toEqual(['failed', 'failed']);
  });

  it('of a release that ended meanwhile says so', async () => {
    const { ports, releases } = await threeReleases();
    releases.overwrite(releaseIdOf(2), { mode: 'done', outcome: 'promoted' });
    const { complete, releases: results } = await abortAll(ports, command);
    expect(complete).toBe(true);
    expect(results[1]).toMatchObject({ result: 'ended' });
  });

  it('needs no ledger', async () => {
    const { ports, ledger, shifter } = await threeReleases();
    ledger.down = true;
    expect((await abortAll(ports, command)).complete).toBe(true);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(ledger.spooled.at(-1)?.drafts[0]?.event.type).toBe('environment.abort-all.done');
  });
});
