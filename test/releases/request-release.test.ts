import { describe, expect, it } from 'vitest';
import { digestOf } from '#platform/digest.ts';
import {
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  PolicyDeniedError,
  TransientError,
} from '#platform/errors.ts';
import type { Asked } from '#releases/asked.ts';
import { type ReleaseRequest, releaseRequestSchema } from '#releases/release-request.ts';
import { requestRelease } from '#releases/request-release.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { ann, bob, checkoutTarget, NOW, releaseIdOf } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { type Hooks, hooked } from '../fakes/hooked.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';
import { memoryServices } from '../fakes/memory-services.ts';
import { memorySwitches } from '../fakes/memory-switches.ts';

const production: ReleaseRequest = releaseRequestSchema.parse({
  service: 'checkout',
  environment: 'production',
  version: '2',
});

let asks = 0;
const asked = (overrides: Partial<Asked> = {}): Asked => {
  const request = overrides.request ?? production;
  return {
    request,
    requestedBy: ann,
    key: 'api#ann#key-1',
    requestDigest: digestOf(request),
    releaseId: releaseIdOf(++asks),
    at: NOW,
    ...overrides,
  };
};

const aDoor = async (hooks: Hooks = {}) => {
  const services = memoryServices();
  await services.put(aRegisteredService());
  const releases = memoryReleases();
  const ledger = memoryLedger();
  const executions = memoryExecutions();
  const switches = memorySwitches();
  const ports = {
    services,
    switches,
    productionStrategies: ['canary'] as const,
    releases,
    ledger,
    executions,
    now: () => NOW,
  };
  return {
    ...ports,
    ports,
    /** The same door, each of whose calls meets the hooks. */
    failing: {
      ...ports,
      releases: hooked(releases, hooks),
      ledger: hooked(ledger, hooks),
      executions: hooked(executions, hooks),
    },
    told: () => ledger.records.map(({ event }) => event.type),
  };
};

describe('a request for a release', () => {
  it('is reserved with everything it needs spelled out, recorded, and its workflow started', async () => {
    const { ports, ledger, executions } = await aDoor();
    const request = { ...production, firstStageWeightPercent: 10, notes: 'fixes rounding' };
    const release = await requestRelease(ports, asked({ request }));
    expect(release).toMatchObject({
      waves: [
        { name: 'first', target: checkoutTarget, metrics: { source: 'cloudwatch', periodSeconds: 60 } },
      ],
      plan: { name: 'standard', holdSeconds: 3_600 },
      judge: judgePolicySchema.parse({}),
      mode: 'forward',
      fence: 1,
      startedAt: NOW,
    });
    expect(release.plan.stages.map(({ weightPercent }) => weightPercent)).toEqual([10, 25, 50, 100]);
    expect(executions.started).toEqual([`release/${release.releaseId}-1`]);
    expect(executions.inputOf(`release/${release.releaseId}-1`)).toEqual({
      releaseId: release.releaseId,
      attempt: 1,
    });
    expect(ledger.records).toMatchObject([
      {
        event: { type: 'release.accepted' },
        actor: ann,
        change: { service: 'checkout', environment: 'production' },
        data: { releaseId: release.releaseId, version: '2', notes: 'fixes rounding', plan: release.plan },
      },
    ]);
  });

  it('does not change when the service is changed afterwards', async () => {
    const { ports, services } = await aDoor();
    const release = await requestRelease(ports, asked());
    const { definition } = aRegisteredService();
    const staging = definition.environments.staging;
    if (staging === undefined) throw new Error('no staging');
    const changed = { ...definition, environments: { production: { ...staging, plan: 'rapid' as const } } };
    await services.put(aRegisteredService({ revision: 2, definition: changed }));
    expect((await requestRelease(ports, asked())).plan).toEqual(release.plan);
  });

  it('of an unknown service or environment is refused before anything is reserved', async () => {
    const { ports, releases, executions, told } = await aDoor();
    const unknown = requestRelease(ports, asked({ request: { ...production, service: 'chekout' } }));
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError);
    const elsewhere = requestRelease(ports, asked({ request: { ...production, environment: 'prod' } }));
    await expect(elsewhere).rejects.toMatchObject({
      constructor: InvalidRequestError,
      faults: [{ path: 'environment', message: 'must be one of: production, staging' }],
    });
    expect(await releases.open()).toEqual([]);
    expect(executions.started).toEqual([]);
    expect(told()).toEqual([]);
  });

  it('twice under one key is one release, started once', async () => {
    const { ports, executions, told } = await aDoor();
    const first = await requestRelease(ports, asked());
    expect((await requestRelease(ports, asked())).releaseId).toBe(first.releaseId);
    expect(executions.started).toHaveLength(1);
    expect(told()).toEqual(['release.accepted']);
  });

  it('under a key that was used for another one is refused and names it', async () => {
    const { ports, executions } = await aDoor();
    const first = await requestRelease(ports, asked());
    const other = requestRelease(ports, asked({ request: { ...production, version: '3' } }));
    await expect(other).rejects.toBeInstanceOf(ConflictError);
    await expect(other).rejects.toThrow(first.releaseId);
    expect(executions.started).toHaveLength(1);
  });

  it('while another release is active is refused, told once, and told as no release of its own', async () => {
    const { ports, ledger } = await aDoor();
    const active = await requestRelease(ports, asked());
    for (let delivery = 0; delivery < 2; delivery += 1) {
      const refused = requestRelease(ports, asked({ key: 'api#bob#key-2', requestedBy: bob }));
      await expect(refused).rejects.toBeInstanceOf(ConflictError);
      await expect(refused).rejects.toThrow(active.releaseId);
    }
    expect(ledger.records.slice(1)).toMatchObject([
      {
        event: { type: 'release.refused' },
        actor: bob,
        change: { service: 'checkout', environment: 'production' },
        data: { version: '2', reasons: [{ facts: { activeReleaseId: active.releaseId } }] },
      },
    ]);
    expect(ledger.records[1]?.data.releaseId).toBeUndefined();
  });

  it.each([
    ['on its way', 'forward', 'wait for it or abort it'],
    ['ending', 'restoring', 'within about a minute it is concluded'],
  ] as const)('while another release is %s says what to do', async (_, mode, advice) => {
    const { ports, releases, told } = await aDoor();
    const active = await requestRelease(ports, asked());
    const other = { key: 'api#bob#key-2', requestedBy: bob };
    await expect(requestRelease(ports, asked(other))).rejects.toThrow('wait for it or abort it');
    releases.overwrite(active.releaseId, { mode });
    await expect(requestRelease(ports, asked(other))).rejects.toThrow(advice);
    expect(told()).toEqual(['release.accepted', 'release.refused']);
  });

  it('while its environment is frozen is refused with who, why and until when, and told once', async () => {
    const { ports, releases, ledger, executions } = await aDoor();
    const until = '2026-03-01T18:00:00.000Z';
    const freeze = { until, reason: 'quarter end', by: bob, at: NOW };
    await releases.putEnvironment({ environment: 'production', revision: 1, freeze, keys: [] });
    for (let delivery = 0; delivery < 2; delivery += 1)
      await expect(requestRelease(ports, asked())).rejects.toThrow(
        `production is frozen by bob until ${until}: quarter end; ask again then, or have it thawed`,
      );
    expect(executions.started).toEqual([]);
    expect(ledger.records).toMatchObject([
      {
        event: { type: 'release.refused' },
        actor: ann,
        data: { reasons: [{ code: 'frozen', facts: { until } }] },
      },
    ]);
    await releases.putEnvironment({ environment: 'production', revision: 2, keys: [] });
    expect((await requestRelease(ports, asked())).mode).toBe('forward');
  });

  it('again under its key when the active release is gone is a release', async () => {
    const { ports, releases } = await aDoor();
    const active = await requestRelease(ports, asked());
    const other = { key: 'api#bob#key-2', requestedBy: bob };
    await expect(requestRelease(ports, asked(other))).rejects.toBeInstanceOf(ConflictError);
    await releases.noteVerified(active.releaseId, { at: 'new', fence: 1, time: NOW });
    await releases.decide(active.releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
    await releases.close(active, NOW);
    expect((await requestRelease(ports, asked(other))).mode).toBe('forward');
  });

  it('repeated after its release was stopped before it started tells so and starts nothing', async () => {
    const { ports, releases, executions } = await aDoor();
    const request = asked();
    await expect(
      requestRelease({ ...ports, executions: { ...executions, start: unavailable } }, request),
    ).rejects.toBeInstanceOf(TransientError);
    await releases.beginRestore(request.releaseId, [{ code: 'operator-abort', text: 'aborted by ann' }]);
    expect((await requestRelease(ports, asked())).mode).toBe('restoring');
    expect(executions.started).toEqual([]);
  });
});

describe('a request while new releases are switched off', () => {
  it('is refused with the reason, recorded, and leaves nothing behind', async () => {
    const { ports, switches, releases, executions, ledger } = await aDoor();
    switches.switchOff('canaryDeployment');
    const refused = requestRelease(ports, asked());
    await expect(refused).rejects.toBeInstanceOf(PolicyDeniedError);
    await expect(refused).rejects.toThrow('canaryDeployment is switched off: no new release starts');
    expect(await releases.open()).toEqual([]);
    expect(executions.started).toEqual([]);
    expect(ledger.records).toMatchObject([
      {
        event: { type: 'release.refused' },
        change: { service: 'checkout', environment: 'production' },
        actor: ann,
        data: { version: '2', reasons: [{ code: 'canary-deployment-off' }] },
      },
    ]);
  });

  it('is taken where it is not switched off', async () => {
    const { ports, switches } = await aDoor();
    switches.switchOff('canaryDeployment', 'staging');
    expect((await requestRelease(ports, asked())).startedAt).toBe(NOW);
  });

  it('is told its release when it had been taken in before', async () => {
    const { ports, switches, releases } = await aDoor();
    const first = await requestRelease(ports, asked());
    switches.switchOff('canaryDeployment');
    expect((await requestRelease(ports, asked())).releaseId).toBe(first.releaseId);
    expect(await releases.open()).toHaveLength(1);
  });
});

const unavailable = async (): Promise<never> => {
  throw new TransientError('no answer');
};

describe('a request that is cut off', () => {
  const calls = ['reserve', 'append', 'start', 'markStarted'];
  for (const when of ['before', 'after'] as const)
    for (const call of calls)
      it(`${when} ${call} is finished by its repetition: one release, one record, one workflow`, async () => {
        let cut = false;
        const cutOff = async (method: string) => {
          if (method !== call || cut) return;
          cut = true;
          await unavailable();
        };
        const { failing, ports, releases, executions, told } = await aDoor({ [when]: cutOff });
        await expect(requestRelease(failing, asked())).rejects.toBeInstanceOf(TransientError);
        const release = await requestRelease(ports, asked());
        expect(release.startedAt).toBe(NOW);
        expect(await releases.open()).toHaveLength(1);
        expect(executions.started).toEqual([`release/${release.releaseId}-1`]);
        expect(told()).toEqual(['release.accepted']);
      });
});
