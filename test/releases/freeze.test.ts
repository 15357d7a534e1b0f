import { describe, expect, it } from 'vitest';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { type EnvironmentState, freezeAt, KEYS_KEPT, untilFault } from '#releases/freeze.ts';
import { changeFreeze, type FreezeChange } from '#releases/freeze-environment.ts';
import { ann, bob, NOW } from '../builders/release.ts';
import { type Hooks, hooked } from '../fakes/hooked.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';

const UNTIL = '2026-03-01T18:00:00.000Z';

const freeze = (overrides: Partial<FreezeChange> = {}): FreezeChange => ({
  environment: 'production',
  until: UNTIL,
  reason: 'quarter end',
  by: ann,
  at: NOW,
  key: 'key-1',
  ...overrides,
});
const thaw = (overrides: Partial<FreezeChange> = {}): FreezeChange =>
  freeze({ until: undefined, reason: 'done', by: bob, key: 'key-2', ...overrides });

const anEnvironment = (hooks: { readonly environments?: Hooks; readonly ledger?: Hooks } = {}) => {
  const environments = memoryReleases();
  const ledger = memoryLedger();
  return {
    environments,
    ledger,
    ports: { environments, ledger },
    failing: {
      environments: hooked(environments, hooks.environments ?? {}),
      ledger: hooked(ledger, hooks.ledger ?? {}),
    },
    types: () => ledger.records.map(({ event }) => event.type),
  };
};

describe('a freeze', () => {
  it('is recorded with its intent and its outcome, who, why and until when', async () => {
    const { ports, ledger } = anEnvironment();
    expect(await changeFreeze(ports, freeze())).toMatchObject({
      revision: 1,
      freeze: { until: UNTIL, reason: 'quarter end', by: ann, at: NOW },
    });
    const told = {
      change: { environment: 'production' },
      actor: ann,
      data: { until: UNTIL, reason: 'quarter end' },
    };
    expect(ledger.records).toMatchObject([
      { event: { type: 'environment.freeze.intended' }, ...told },
      { event: { type: 'environment.frozen' }, ...told },
    ]);
  });

  it('replaces the one before, and says what it replaced', async () => {
    const { ports, ledger } = anEnvironment();
    await changeFreeze(ports, freeze());
    const longer = '2026-03-02T18:00:00.000Z';
    await changeFreeze(ports, freeze({ until: longer, by: bob, key: 'key-2' }));
    expect(ledger.records.at(-1)?.data).toMatchObject({ until: longer, replaced: { until: UNTIL, by: ann } });
  });

  it('is over at its time, and when it is thawed', async () => {
    const { ports, environments, types } = anEnvironment();
    const state = await changeFreeze(ports, freeze());
    expect(freezeAt(state, '2026-03-01T17:59:59.999Z')).toBeDefined();
    expect(freezeAt(state, UNTIL)).toBeUndefined();
    await changeFreeze(ports, thaw());
    expect(freezeAt(await environments.readEnvironment('production'), NOW)).toBeUndefined();
    expect(types().slice(-2)).toEqual(['environment.thaw.intended', 'environment.thawed']);
  });

  it.each([
    ['was never there', async () => undefined],
    ['is over by itself', async (ports: Parameters<typeof changeFreeze>[0]) => changeFreeze(ports, freeze())],
  ])("can't be thawed when it %s", async (_, prepare) => {
    const { ports } = anEnvironment();
    await prepare(ports);
    await expect(changeFreeze(ports, thaw({ at: UNTIL }))).rejects.toThrow('is not frozen');
  });

  it('that comes again, even after a thaw, has its one effect', async () => {
    const { ports, environments, types } = anEnvironment();
    await changeFreeze(ports, freeze());
    await changeFreeze(ports, freeze());
    await changeFreeze(ports, thaw());
    await changeFreeze(ports, freeze());
    expect(types()).toHaveLength(4);
    expect(freezeAt(await environments.readEnvironment('production'), NOW)).toBeUndefined();
  });

  it('of another end under the same key is refused', async () => {
    const { ports } = anEnvironment();
    await changeFreeze(ports, freeze());
    const other = changeFreeze(ports, freeze({ until: '2026-03-09T00:00:00.000Z' }));
    await expect(other).rejects.toThrow('used for another change');
  });

  it('remembers the latest keys, however often an environment is frozen', async () => {
    const { ports, environments } = anEnvironment();
    for (let number = 0; number < KEYS_KEPT + 5; number += 1)
      await changeFreeze(ports, freeze({ key: `key-${number}` }));
    expect((await environments.readEnvironment('production')).keys).toHaveLength(KEYS_KEPT);
  });

  it('that somebody else overtakes is refused, and the other one stands', async () => {
    let overtaken = false;
    const world = anEnvironment({
      environments: {
        before: async (method) => {
          if (method !== 'putEnvironment' || overtaken) return;
          overtaken = true;
          await changeFreeze(world.ports, freeze({ by: bob, key: 'key-2', reason: 'incident' }));
        },
      },
    });
    await expect(changeFreeze(world.failing, freeze())).rejects.toBeInstanceOf(ConflictError);
    expect((await world.environments.readEnvironment('production')).freeze?.reason).toBe('incident');
    expect(world.types().filter((type) => type === 'environment.frozen')).toHaveLength(1);
  });

  it('whose answer was lost on the way is not refused because of itself', async () => {
    const { ports, environments, types } = anEnvironment();
    const sentTwice = {
      ...ports,
      environments: {
        ...environments,
        putEnvironment: async (state: EnvironmentState) => {
          await environments.putEnvironment(state);
          return environments.putEnvironment(state);
        },
      },
    };
    expect(await changeFreeze(sentTwice, freeze())).toMatchObject({ revision: 1, freeze: { until: UNTIL } });
    expect(types()).toEqual(['environment.freeze.intended', 'environment.frozen']);
  });

  it.each([
    ['freeze', freeze(), [], 'environment.frozen'],
    ['thaw', thaw(), [freeze()], 'environment.thawed'],
  ] as const)(
    'comes with the record of a %s that was cut off before its own was written',
    async (_, cutOff, before, type) => {
      let cut = false;
      const { failing, ports, ledger, types } = anEnvironment({
        environments: {
          after: (method) => {
            if (method === 'putEnvironment' && cut) throw new TransientError('no answer');
          },
        },
      });
      for (const change of before) await changeFreeze(failing, change);
      cut = true;
      await expect(changeFreeze(failing, cutOff)).rejects.toBeInstanceOf(TransientError);
      expect(types()).not.toContain(type);
      await changeFreeze(ports, freeze({ key: 'key-9', by: bob, reason: 'incident' }));
      expect(types().slice(-3)).toEqual([type, 'environment.freeze.intended', 'environment.frozen']);
      const { by, reason } = cutOff;
      expect(ledger.records.at(-3)).toMatchObject({ actor: by, data: { reason } });
    },
  );

  it.each([
    ['environments', 'putEnvironment', 'before'],
    ['environments', 'putEnvironment', 'after'],
    ['ledger', 'append', 'before'],
    ['ledger', 'append', 'after'],
  ] as const)(
    'cut off at %s.%s (%s) is finished by its repetition: one effect, told once',
    async (port, call, when) => {
      let cut = false;
      const cutOff = (method: string) => {
        if (method !== call || cut) return;
        cut = true;
        throw new TransientError('no answer');
      };
      const { failing, ports, types, environments } = anEnvironment({ [port]: { [when]: cutOff } });
      await expect(changeFreeze(failing, freeze())).rejects.toBeInstanceOf(TransientError);
      await changeFreeze(ports, freeze());
      expect(types()).toEqual(['environment.freeze.intended', 'environment.frozen']);
      expect((await environments.readEnvironment('production')).revision).toBe(1);
    },
  );

  it('whose outcome could not be recorded has it recorded by its repetition', async () => {
    let appends = 0;
    const { failing, ports, types } = anEnvironment({
      ledger: {
        before: (method) => {
          if (method === 'append' && ++appends === 2) throw new TransientError('no answer');
        },
      },
    });
    await expect(changeFreeze(failing, freeze())).rejects.toBeInstanceOf(TransientError);
    await changeFreeze(ports, freeze());
    expect(types()).toEqual(['environment.freeze.intended', 'environment.frozen']);
  });
});

describe('the end of a freeze', () => {
  it.each([
    ['2026-03-01T12:00:00Z', 'must be in the future'],
    ['2025-03-01T12:00:00Z', 'must be in the future'],
    ['2206-03-01T12:00:00Z', 'must be within 366 days'],
  ])('%s is refused', (until, message) => {
    expect(untilFault(until, NOW)).toMatchObject({
      path: 'until',
      message: expect.stringContaining(message),
    });
  });

  it('in any time zone is taken', () => {
    expect(untilFault('2026-03-01T13:30:00+01:00', NOW)).toBeUndefined();
  });
});
