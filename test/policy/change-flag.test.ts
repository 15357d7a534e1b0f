import { describe, expect, it } from 'vitest';
import type { Actor } from '#platform/actor.ts';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { appConfigFlags } from '#policy/adapters/appconfig-flags.ts';
import { changeFlag, seeFlags } from '#policy/change-flag.ts';
import type { Change } from '#policy/flag-records.ts';
import { flagsDocument, NOBODY_CHANGED_ANY, storedStates } from '#policy/flags-document-schema.ts';
import type { KillSwitch, SwitchState } from '#policy/kill-switches.ts';
import { flagsControlPlane } from '../fakes/flags-control-plane.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';

const olive: Actor = { login: 'olive', kind: 'user', authenticated: true, via: 'api' };
const AT = '2026-05-04T10:00:00.000Z';
const OFF: SwitchState = { on: false, offIn: [] };
const ON: SwitchState = { on: true, offIn: [] };

let asks = 0;
const asked = (flag: KillSwitch, state: SwitchState, overrides: Partial<Change> = {}): Change => ({
  flag,
  state,
  reason: 'a test said so',
  by: olive,
  at: AT,
  requestId: `r-${++asks}`,
  ...overrides,
});

const aWorld = () => {
  const appConfig = flagsControlPlane();
  const ledger = memoryLedger();
  let labels = 0;
  const flags = appConfigFlags(
    appConfig.client,
    { application: 'app', environment: 'env', profile: 'flags' },
    { strategy: 'at-once', pause: async () => undefined, newLabelId: () => String(++labels) },
  );
  const ports = { flags, ledger };
  return {
    ...appConfig,
    ports,
    ledger,
    change: (flag: KillSwitch, state: SwitchState) => changeFlag(ports, asked(flag, state)),
    state: async (flag: KillSwitch) => (await flags.read()).deployed.states[flag].state,
    told: () => ledger.records.map(({ event }) => event.type),
  };
};

/** The flags as somebody sets them in AppConfig itself. */
const documentWith = (flag: KillSwitch, state: SwitchState) =>
  flagsDocument({ ...NOBODY_CHANGED_ANY, [flag]: { state } });

describe('switching something off', () => {
  it('is intended, deployed and recorded, with who did it and why', async () => {
    const { ports, ledger, deployments, state } = aWorld();
    await changeFlag(ports, asked('canaryMetrics', { on: true, offIn: ['staging'] }));
    expect(await state('canaryMetrics')).toEqual({ on: true, offIn: ['staging'] });
    expect(deployments.at(-1)).toMatchObject({ version: 2, state: 'COMPLETE' });
    const about = {
      flag: 'canaryMetrics',
      state: { on: true, offIn: ['staging'] },
      reason: 'a test said so',
    };
    expect(ledger.records).toMatchObject([
      { event: { type: 'flag.change.intended' }, actor: olive, data: { ...about, before: ON } },
      { event: { type: 'flag.switched-off', timestamp: AT }, actor: olive, data: { ...about, version: 2 } },
    ]);
    expect(ledger.records.map(({ compliance }) => compliance.riskLevel)).toEqual(['medium', 'medium']);
  });

  it('and on again is another change, and leaves other switches as they are', async () => {
    const { change, state, told } = aWorld();
    await change('canaryMetrics', OFF);
    await change('deploymentGates', OFF);
    await change('canaryMetrics', ON);
    expect(await state('canaryMetrics')).toEqual(ON);
    expect(await state('deploymentGates')).toEqual(OFF);
    expect(told().filter((type) => type !== 'flag.change.intended')).toEqual([
      'flag.switched-off',
      'flag.switched-off',
      'flag.switched-on',
    ]);
  });

  it.each([[OFF], [{ on: true, offIn: ['production'] }]])(
    'of automatic rollback in production has a record of its own, of high risk: %j',
    async (state) => {
      const { change, ledger } = aWorld();
      await change('autoRollback', state);
      expect(ledger.records.at(-1)).toMatchObject({
        event: { type: 'flag.auto-rollback-off' },
        compliance: { riskLevel: 'high' },
      });
    },
  );

  it('of automatic rollback elsewhere is like any other', async () => {
    const { change, told } = aWorld();
    await change('autoRollback', { on: true, offIn: ['staging'] });
    expect(told()).toContain('flag.switched-off');
  });

  it('that is off already makes nothing, and records nothing twice', async () => {
    const { change, versions, deployments, told } = aWorld();
    await change('canaryMetrics', OFF);
    await change('canaryMetrics', OFF);
    expect(versions).toHaveLength(2);
    expect(deployments).toHaveLength(2);
    expect(told()).toEqual(['flag.change.intended', 'flag.switched-off']);
  });

  it('tells of a pipeline as one', async () => {
    const { ports, ledger } = aWorld();
    const by: Actor = { login: 'build', kind: 'pipeline', authenticated: true, via: 'api' };
    await changeFlag(ports, asked('canaryMetrics', OFF, { by }));
    expect(ledger.records.map(({ actor }) => actor)).toEqual([by, by]);
  });

  it('does nothing while the ledger takes no intent', async () => {
    const { change, ledger, versions } = aWorld();
    ledger.down = true;
    await expect(change('canaryMetrics', OFF)).rejects.toBeInstanceOf(TransientError);
    expect(versions).toHaveLength(1);
  });
});

describe('a change that was cut off', () => {
  it('before it was deployed is deployed by its repetition, and recorded once', async () => {
    const { change, meanwhile, versions, state, told } = aWorld();
    meanwhile((call) => {
      if (call === 'start') throw new TransientError('gone');
    });
    await expect(change('canaryMetrics', OFF)).rejects.toBeInstanceOf(TransientError);
    expect(await state('canaryMetrics')).toEqual(ON);
    meanwhile(() => undefined);
    await change('canaryMetrics', OFF);
    expect(versions).toHaveLength(2);
    expect(await state('canaryMetrics')).toEqual(OFF);
    expect(told()).toEqual(['flag.change.intended', 'flag.switched-off']);
  });

  it('before it was deployed is part of the next change, which records it too', async () => {
    const { change, meanwhile, state, told, ledger } = aWorld();
    meanwhile((call) => {
      if (call === 'start') throw new TransientError('gone');
    });
    await expect(change('canaryMetrics', OFF)).rejects.toBeInstanceOf(TransientError);
    meanwhile(() => undefined);
    await change('deploymentGates', OFF);
    expect(await state('canaryMetrics')).toEqual(OFF);
    expect(await state('deploymentGates')).toEqual(OFF);
    expect(told()).toEqual([
      'flag.change.intended',
      'flag.change.intended',
      'flag.switched-off',
      'flag.switched-off',
    ]);
    expect(ledger.records.slice(-2).map(({ data }) => [data.flag, data.version])).toEqual([
      ['canaryMetrics', 2],
      ['deploymentGates', 3],
    ]);
  });

  it('and is taken back by the next change never was in force, and is not recorded so', async () => {
    const { change, meanwhile, state, told, ledger } = aWorld();
    meanwhile((call) => {
      if (call === 'start') throw new TransientError('gone');
    });
    await expect(change('canaryMetrics', OFF)).rejects.toBeInstanceOf(TransientError);
    meanwhile(() => undefined);
    await change('canaryMetrics', { on: true, offIn: ['staging'] });
    expect(await state('canaryMetrics')).toEqual({ on: true, offIn: ['staging'] });
    expect(told()).toEqual(['flag.change.intended', 'flag.change.intended', 'flag.switched-off']);
    expect(ledger.records.at(-1)?.data).toMatchObject({ version: 3 });
  });

  it('after it was deployed is recorded by whoever looks next', async () => {
    const { ports, change, ledger, told } = aWorld();
    const append = ledger.append;
    let appended = 0;
    const failing = {
      ...ports,
      ledger: {
        append: async (...batch: Parameters<typeof append>) => {
          appended += 1;
          if (appended > 1) throw new TransientError('gone');
          return append(...batch);
        },
      },
    };
    await expect(changeFlag(failing, asked('canaryMetrics', OFF))).rejects.toBeInstanceOf(TransientError);
    await seeFlags(ports, '2026-05-04T11:00:00.000Z');
    expect(told()).toEqual(['flag.change.intended', 'flag.switched-off']);
    expect(ledger.records.at(-1)).toMatchObject({ event: { timestamp: AT }, actor: olive });
    await change('canaryMetrics', OFF);
    expect(told()).toHaveLength(2);
  });
});

describe('two who change the flags at the same time', () => {
  it('of one version make one change; the other is told to look again', async () => {
    const { change, meanwhile, outside, state } = aWorld();
    let isFirst = true;
    meanwhile((call) => {
      if (call === 'create' && isFirst) {
        isFirst = false;
        outside.make(documentWith('prodReadiness', OFF), 'sluice-prodReadiness-9');
      }
    });
    await expect(change('canaryMetrics', OFF)).rejects.toBeInstanceOf(ConflictError);
    expect(await state('canaryMetrics')).toEqual(ON);
  });

  it('keep both changes when the later version is deployed first', async () => {
    const { change, meanwhile, ports, state, deployments, told, ledger } = aWorld();
    let later: Promise<unknown> | undefined;
    meanwhile((call) => {
      if (call !== 'start' || later !== undefined) return;
      later = changeFlag(ports, asked('deploymentGates', OFF));
    });
    await change('canaryMetrics', OFF);
    await later;
    expect(await state('canaryMetrics')).toEqual(OFF);
    expect(await state('deploymentGates')).toEqual(OFF);
    expect(deployments.filter((one) => one.state === 'COMPLETE').at(-1)?.version).toBe(3);
    expect(told().filter((type) => type === 'flag.switched-off')).toHaveLength(2);
    const outcomes = ledger.records.filter(({ event }) => event.type === 'flag.switched-off');
    expect(outcomes.map(({ data }) => data.flag).toSorted()).toEqual(['canaryMetrics', 'deploymentGates']);
  });

  it('have both recorded when a later version, built on this one, is in force in its stead', async () => {
    const { change, meanwhile, outside, versions, ledger, told } = aWorld();
    meanwhile((call) => {
      if (call !== 'start' || versions.length > 2) return;
      const built = storedStates(versions.at(-1)?.content);
      const note = { by: 'bob', kind: 'user' as const, at: AT, reason: 'another one' };
      const content = flagsDocument({ ...built, deploymentGates: { state: OFF, note } });
      outside.start(outside.make(content, 'sluice-deploymentGates-9'), 0, 'COMPLETE');
    });
    await change('canaryMetrics', OFF);
    expect(told()).toEqual(['flag.change.intended', 'flag.switched-off', 'flag.switched-off']);
    expect(ledger.records.slice(1).map(({ actor, data }) => [actor.login, data.flag, data.version])).toEqual([
      ['olive', 'canaryMetrics', 2],
      ['bob', 'deploymentGates', 3],
    ]);
  });

  it('are told when what was deployed is not what they asked for', async () => {
    const { change, meanwhile, outside, deployments } = aWorld();
    meanwhile((call) => {
      if (call !== 'start' || deployments.length > 1) return;
      outside.start(outside.make(documentWith('canaryMetrics', ON)), 1);
    });
    await expect(change('canaryMetrics', OFF)).rejects.toThrow('changed by someone else');
  });
});

describe('a deployment in the way', () => {
  it.each(['DEPLOYING', 'BAKING'])('is stopped: one that is %s', async (state) => {
    const { change, outside, deployments, ...world } = aWorld();
    outside.start(1, 100, state);
    await change('canaryMetrics', OFF);
    expect(deployments[1]).toMatchObject({ state: 'ROLLED_BACK' });
    expect(await world.state('canaryMetrics')).toEqual(OFF);
  });

  it('that never ends is told of, instead of an answer that is not true yet', async () => {
    const { change, meanwhile, deployments } = aWorld();
    meanwhile((call) => {
      const last = deployments.at(-1);
      if (call === 'list' && last?.state === 'DEPLOYING') last.looksLeft = 9;
    });
    await expect(change('canaryMetrics', OFF)).rejects.toThrow('not in force yet');
  });
});

describe('a change made around the API', () => {
  it('is recorded once, when it is first seen', async () => {
    const { ports, outside, ledger, told } = aWorld();
    outside.start(outside.make(documentWith('autoRollback', OFF)), 0, 'COMPLETE');
    const { deployed } = await seeFlags(ports, AT);
    await seeFlags(ports, '2026-05-04T11:00:00.000Z');
    expect(deployed.madeBy).toEqual({ kind: 'outside' });
    expect(told()).toEqual(['flag.drifted']);
    expect(ledger.records[0]).toMatchObject({
      compliance: { riskLevel: 'high' },
      data: { version: 2, states: { autoRollback: OFF, canaryMetrics: ON } },
    });
  });

  it('stays as it is when another switch is changed through the API', async () => {
    const { change, outside, state, told } = aWorld();
    outside.start(outside.make(documentWith('autoRollback', OFF)), 0, 'COMPLETE');
    await change('canaryMetrics', OFF);
    expect(await state('autoRollback')).toEqual(OFF);
    expect(told()).toEqual(['flag.drifted', 'flag.change.intended', 'flag.switched-off']);
  });

  it('that was not deployed is nobody’s business', async () => {
    const { change, outside, state } = aWorld();
    outside.make(documentWith('autoRollback', OFF));
    await change('canaryMetrics', OFF);
    expect(await state('autoRollback')).toEqual(ON);
  });

  it('that brought an earlier version back is built upon', async () => {
    const { change, outside, state } = aWorld();
    await change('autoRollback', OFF);
    outside.start(1, 0, 'COMPLETE');
    await change('canaryMetrics', OFF);
    expect(await state('autoRollback')).toEqual(ON);
    expect(await state('canaryMetrics')).toEqual(OFF);
  });
});
