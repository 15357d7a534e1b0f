import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import type { ServiceEnvironment } from '#policy/service-definition.ts';
import { type DoctorPorts, examineEnvironment } from '#rollout/doctor/examine-environment.ts';
import { type Finding, finding, worstOf } from '#rollout/doctor/finding.ts';
import {
  aRelease,
  aSnapshot,
  checkoutTarget,
  NOW,
  NOW_MS,
  releaseIdOf,
  STABLE,
} from '../../builders/release.ts';
import { aDefinition } from '../../builders/service.ts';
import { memoryDeployments } from '../../fakes/memory-deployments.ts';
import { memoryMetrics } from '../../fakes/memory-metrics.ts';
import { memoryShifter } from '../../fakes/memory-shifter.ts';

const settings: ServiceEnvironment = aDefinition().environments.production ?? expect.fail('no production');

const PROBES = { url: 'https://new.example/up', timeoutSeconds: 1, attemptsPerLook: 3 } as const;

/** A service with nothing wrong: a permitted alias, ten requests a second, a grant for everyone. */
const aHealthyWorld = () => {
  const shifter = memoryShifter({ versions: [STABLE, '2'], target: checkoutTarget });
  const source = memoryMetrics();
  const period = settings.metrics.periodSeconds * 1_000;
  for (let index = 1; index <= 80; index += 1)
    source.put(STABLE, NOW_MS - index * period, { requests: 600, errors: 1, latencyMs: { p95: 90 } });
  const troubles: string[] = [];
  const ports: DoctorPorts = {
    settings: {
      lambdaTargets: ['check*'],
      albRules: [],
      ecsServices: [],
      appConfigFlags: [],
      shifterFunctions: [],
      targetRegions: [],
    },
    ownRegion: 'eu-central-1',
    functionArnPrefix: 'arn:aws:lambda:eu-central-1:123456789012:function',
    releases: { list: async () => ({ releases: [] }), get: async () => undefined },
    deployments: memoryDeployments(),
    shifter,
    source,
    probe: async () => ({ counts: { probes: { attempts: 3, successes: 3 } }, troubles: [] }),
    owners: { ownershipOf: async (targets) => targets.map(() => ({ kind: 'unmanaged' })) },
    grants: { missing: async () => [] },
    alarms: { states: async (names) => names.map((name) => ({ name, state: 'OK' })) },
    now: () => NOW_MS,
    onTrouble: (check) => troubles.push(check),
  };
  return { ports, shifter, source, troubles };
};

const examine = (ports: DoctorPorts, overrides: Partial<ServiceEnvironment> = {}) =>
  examineEnvironment(ports, 'checkout', 'production', { ...settings, ...overrides });

const statusOf = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map(({ check, status }) => [check, status]));

const only = (findings: readonly Finding[], check: Finding['check']): Finding =>
  findings.find((one) => one.check === check) ?? expect.fail(`no finding ${check}`);

describe('an environment that has nothing wrong', () => {
  it('is ok in everything that is looked at', async () => {
    const { ports } = aHealthyWorld();
    const findings = await examine(ports, { probes: PROBES, guardAlarms: ['checkout-errors'] });
    expect(statusOf(findings)).toEqual({
      setting: 'ok',
      target: 'ok',
      deployment: 'ok',
      metrics: 'ok',
      errors: 'ok',
      latency: 'ok',
      plan: 'ok',
      permissions: 'ok',
      probes: 'ok',
      ownership: 'ok',
      alarms: 'ok',
    });
    expect(worstOf(findings)).toBe('ok');
  });

  it('is looked at wave by wave, each finding by its wave’s name', async () => {
    const { ports } = aHealthyWorld();
    const wave = { name: 'second', target: { ...checkoutTarget, alias: 'nowhere' }, bakeSeconds: 0 };
    const findings = await examine(ports, { waves: [wave], guardAlarms: ['checkout-errors'] });
    expect(findings.filter(({ status }) => status === 'fail')).toMatchObject([
      { wave: 'second', check: 'target' },
    ]);
    expect(new Set(findings.map((one) => one.wave))).toEqual(new Set(['first', 'second', undefined]));
    expect(only(findings, 'alarms').wave).toBeUndefined();
  });
});

describe('the target', () => {
  it('is told by the setting’s name when the stage may not touch it, and is not touched', async () => {
    const { ports } = aHealthyWorld();
    const untouched = { examine: () => expect.fail('was touched') };
    const findings = await examine({
      ...ports,
      shifter: untouched,
      settings: { ...ports.settings, lambdaTargets: ['pay'] },
    });
    expect(only(findings, 'setting')).toMatchObject({
      status: 'fail',
      text: 'add "checkout" to setting lambdaTargets of the stage\'s configuration, and deploy it',
    });
    expect(statusOf(findings)).toEqual({ setting: 'fail', ownership: 'ok' });
  });

  it('that splits its traffic keeps a release from beginning, unless one is at work', async () => {
    const { ports, shifter } = aHealthyWorld();
    await shifter.setWeight(checkoutTarget, { stable: STABLE, canary: '2', weightPercent: 5 }, 'r1');
    expect(only(await examine(ports), 'target')).toMatchObject({
      status: 'fail',
      facts: { code: 'already-weighted' },
    });
    const active = aRelease();
    const findings = await examine({
      ...ports,
      releases: { list: async () => ({ releases: [active] }), get: async () => active },
    });
    for (const check of ['target', 'deployment'] as const)
      expect(only(findings, check)).toMatchObject({
        status: 'ok',
        text: expect.stringContaining(active.releaseId),
      });
  });

  it('that runs what no release left is told with who left what', async () => {
    const { ports } = aHealthyWorld();
    const last = aRelease({
      mode: 'done',
      outcome: 'promoted',
      concludedAt: NOW,
      version: '2',
      snapshots: [aSnapshot()],
    });
    const findings = await examine({
      ...ports,
      releases: { list: async () => ({ releases: [last] }), get: async () => last },
    });
    expect(only(findings, 'deployment')).toMatchObject({
      status: 'fail',
      text: expect.stringMatching(new RegExp(`at ${STABLE} .*version 2, which release ${releaseIdOf(1)}`)),
      facts: { expected: '2' },
    });
  });
});

describe('what can’t be looked at', () => {
  it('is a finding of its own, and keeps nothing else from being looked at', async () => {
    const { ports, troubles } = aHealthyWorld();
    const denied = Object.assign(new Error('role x is not authorized'), { name: 'AccessDeniedException' });
    const findings = await examine({
      ...ports,
      source: { read: () => Promise.reject(new TransientError('CloudWatch did not answer')) },
      grants: { missing: () => Promise.reject(new Error('surprise')) },
      shifter: { examine: ports.shifter.examine },
    });
    expect(statusOf(findings)).toMatchObject({
      metrics: 'unknown',
      permissions: 'unknown',
      plan: 'unknown',
      target: 'ok',
    });
    expect(only(findings, 'metrics').text).toContain('CloudWatch did not answer');
    expect(troubles.toSorted()).toEqual(['metrics', 'permissions']);
    const refused = await examine({ ...ports, shifter: { examine: () => Promise.reject(denied) } });
    expect(only(refused, 'target')).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('AWS did not let'),
    });
    expect(JSON.stringify(refused), 'words of AWS’s own stay in the log').not.toContain('role x');
    expect(statusOf(refused)).toMatchObject({ ownership: 'ok', permissions: 'ok' });
  });

  it('is worse than a warning and better than a failure', () => {
    const all = (['ok', 'warn', 'unknown', 'fail'] as const).map((status) => finding('target', status, 'x'));
    expect(worstOf(all)).toBe('fail');
    expect(worstOf(all.slice(0, 3))).toBe('unknown');
    expect(worstOf(all.slice(0, 2))).toBe('warn');
    expect(worstOf([])).toBe('ok');
  });
});
