import { describe, expect, it } from 'vitest';
import { digestOf } from '#platform/digest.ts';
import { ConflictError, NotFoundError } from '#platform/errors.ts';
import type { Asked } from '#releases/asked.ts';
import type { Release } from '#releases/release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { requestRelease } from '#releases/request-release.ts';
import type { Command } from '#rollout/command.ts';
import { retryRelease } from '#rollout/retry.ts';
import { ann, aRelease, bob, NOW, releaseIdOf } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';
import { memoryServices } from '../fakes/memory-services.ts';
import { memorySwitches } from '../fakes/memory-switches.ts';

const request = releaseRequestSchema.parse({
  service: 'checkout',
  environment: 'production',
  version: '2',
  firstStageWeightPercent: 3,
  notes: 'fixes rounding',
});

/** A release that was asked for as above and is as `overrides` say, behind a door that takes releases in. */
const aRetryDoor = async (overrides: Partial<Release> = {}) => {
  const services = memoryServices();
  await services.put(aRegisteredService());
  const releases = memoryReleases();
  const ledger = memoryLedger();
  const door = {
    services,
    productionStrategies: ['canary'] as const,
    switches: memorySwitches(),
    releases,
    ledger,
    executions: memoryExecutions(),
    now: () => NOW,
  };
  let ids = 1;
  const ended = await requestRelease(door, {
    request,
    requestedBy: ann,
    key: 'first',
    requestDigest: digestOf(request),
    releaseId: releaseIdOf(ids),
    at: NOW,
  });
  const { releaseId } = ended;
  return {
    releases,
    ledger,
    services,
    releaseId,
    end: async () => {
      await releases.beginRestore(releaseId, [{ code: 'evidence', text: 'too many errors' }]);
      await releases.noteVerified(releaseId, { at: 'stable', fence: 2, time: NOW });
      await releases.decide(releaseId, { outcome: 'rolled-back', fence: 2, reasons: [] });
      await releases.close(ended, NOW);
      releases.overwrite(releaseId, overrides);
    },
    ports: {
      releases,
      request: (asked: Asked) => requestRelease(door, asked),
      newReleaseId: () => releaseIdOf(++ids),
    },
  };
};

const aRetry = (overrides: Partial<Command> = {}): Command => ({
  name: 'retry',
  releaseId: releaseIdOf(1),
  reason: 'the database was down',
  by: bob,
  key: 'key-1',
  at: NOW,
  ...overrides,
});

describe('a retry', () => {
  it('asks for the same again as a release of its own, which names the old one and why', async () => {
    const { ports, end, releases, ledger, releaseId } = await aRetryDoor();
    await end();
    const { retriedAs } = await retryRelease(ports, aRetry());
    if (retriedAs === undefined) throw new Error('nothing was retried');
    expect(retriedAs).not.toBe(releaseId);
    expect(releases.peek(retriedAs)).toMatchObject({
      request,
      requestedBy: bob,
      notes: 'fixes rounding',
      retryOf: { releaseId, reason: 'the database was down' },
      mode: 'forward',
    });
    expect(releases.peek(retriedAs)?.plan.stages[0]?.weightPercent).toBe(3);
    expect(ledger.records.at(-1)).toMatchObject({
      event: { type: 'release.accepted' },
      actor: bob,
      data: { releaseId: retriedAs, retryOf: { releaseId, reason: 'the database was down' } },
    });
    expect(releases.peek(releaseId)?.outcome).toBe('rolled-back');
  });

  it('is under the present definition of its service', async () => {
    const { ports, end, releases, services } = await aRetryDoor();
    await end();
    const { definition } = aRegisteredService();
    const { production } = definition.environments;
    if (production === undefined) throw new Error('no production');
    const environments = { ...definition.environments, production: { ...production, guardAlarms: ['slow'] } };
    await services.put(aRegisteredService({ revision: 2, definition: { ...definition, environments } }));
    const { retriedAs } = await retryRelease(ports, aRetry());
    expect(retriedAs && releases.peek(retriedAs)?.guardAlarms).toEqual(['slow']);
  });

  it('that comes again finds the release that its first time asked for', async () => {
    const { ports, end, releases } = await aRetryDoor();
    await end();
    const first = await retryRelease(ports, aRetry());
    expect(await retryRelease(ports, aRetry())).toEqual(first);
    expect(await releases.open()).toHaveLength(1);
  });

  it('of a release that is active again is refused, like any other request', async () => {
    const { ports, end } = await aRetryDoor();
    await end();
    const { retriedAs } = await retryRelease(ports, aRetry());
    await expect(retryRelease(ports, aRetry({ key: 'key-2' }))).rejects.toThrow(
      `already has an active release, ${retriedAs}`,
    );
  });

  it.each(['rolled-back', 'aborted', 'refused'] as const)('is taken for what ended %s', async (outcome) => {
    const { ports, end } = await aRetryDoor({ outcome });
    await end();
    expect((await retryRelease(ports, aRetry())).retriedAs).toBe(releaseIdOf(2));
  });

  it('of a promoted release is refused', async () => {
    const { ports, end } = await aRetryDoor({ outcome: 'promoted' });
    await end();
    await expect(retryRelease(ports, aRetry())).rejects.toThrow('was promoted');
  });

  it('of what nobody asked for by a version is refused', async () => {
    const { ports, end, releases } = await aRetryDoor();
    await end();
    const { request: _, ...unasked } = aRelease({
      releaseId: releaseIdOf(7),
      strategy: 'rollback',
      mode: 'done',
      outcome: 'rolled-back',
      concludedAt: NOW,
    });
    await releases.reserve(unasked, { value: 'another', requestDigest: 'd' });
    await expect(retryRelease(ports, aRetry({ releaseId: releaseIdOf(7) }))).rejects.toThrow(
      'is a rollback; ask for a rollback again',
    );
  });

  it('of a release on its way is refused, and so it is while that ends', async () => {
    const { ports, releases, releaseId } = await aRetryDoor();
    await expect(retryRelease(ports, aRetry())).rejects.toThrow('has not ended (running)');
    await releases.beginRestore(releaseId, [{ code: 'evidence', text: 'too many errors' }]);
    await releases.noteVerified(releaseId, { at: 'stable', fence: 2, time: NOW });
    await releases.decide(releaseId, { outcome: 'rolled-back', fence: 2, reasons: [] });
    await expect(retryRelease(ports, aRetry())).rejects.toBeInstanceOf(ConflictError);
  });

  it('of a release that there is not says so', async () => {
    const { ports } = await aRetryDoor();
    await expect(retryRelease(ports, aRetry({ releaseId: releaseIdOf(9) }))).rejects.toBeInstanceOf(
      NotFoundError,
    );
  });
});
