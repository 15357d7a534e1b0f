import { describe, expect, it } from 'vitest';
import type { EnvironmentState } from '#releases/freeze.ts';
import { ann, NOW } from '../../builders/release.ts';
import { key, type StoreWorld } from './store-world.ts';

const LATER = '2026-03-01T14:00:00.000Z';

let names = 0;
/** An environment that no other test has. */
const newEnvironment = (): string => `f${Date.now().toString(36)}-${names++}`;

const frozen = (environment: string, overrides: Partial<EnvironmentState> = {}): EnvironmentState => ({
  environment,
  revision: 1,
  freeze: { until: LATER, reason: 'quarter end', by: ann, at: NOW },
  changed: { until: LATER, reason: 'quarter end', by: ann, at: NOW },
  keys: ['one'],
  ...overrides,
});

/** What keeps releases from starting. */
export const freezeContract = (world: StoreWorld): void => {
  describe('a freeze', () => {
    it('is none until somebody freezes, and is read as it was put', async () => {
      const environment = newEnvironment();
      expect(await world.store.readEnvironment(environment)).toEqual({ environment, revision: 0, keys: [] });
      expect(await world.store.putEnvironment(frozen(environment))).toBe(true);
      expect(await world.store.readEnvironment(environment)).toEqual(frozen(environment));
    });

    it('lets no release of its environment start, leaves nothing behind, and says who, why and until when', async () => {
      const environment = newEnvironment();
      await world.store.putEnvironment(frozen(environment));
      const release = world.fresh({ environment });
      const used = key();
      expect(await world.store.reserve(release, used)).toEqual({
        kind: 'frozen',
        freeze: frozen(environment).freeze,
      });
      expect(await world.store.get(release.releaseId)).toBeUndefined();
      await world.reserved({ environment: newEnvironment() });
      await world.store.putEnvironment({ environment, revision: 2, keys: [] });
      expect(await world.store.reserve(release, used)).toEqual({ kind: 'reserved' });
    });

    it('is over at its time, to the moment', async () => {
      const environment = newEnvironment();
      await world.store.putEnvironment(frozen(environment));
      const before = world.fresh({ environment, requestedAt: '2026-03-01T13:59:59.999Z' });
      expect(await world.store.reserve(before, key())).toMatchObject({ kind: 'frozen' });
      const after = world.fresh({ environment, requestedAt: LATER });
      expect(await world.store.reserve(after, key())).toEqual({ kind: 'reserved' });
    });

    it('does not hide what a key did before it', async () => {
      const environment = newEnvironment();
      const release = world.fresh({ environment });
      const used = key();
      await world.store.reserve(release, used);
      await world.store.putEnvironment(frozen(environment));
      expect(await world.store.reserve(world.fresh({ environment }), used)).toMatchObject({
        kind: 'repeated',
        release: { releaseId: release.releaseId },
      });
    });

    it('is changed by one of two at the same time', async () => {
      const environment = newEnvironment();
      const both = await Promise.all(
        ['one', 'two'].map((reason) => world.store.putEnvironment(frozen(environment, { keys: [reason] }))),
      );
      expect(both.toSorted()).toEqual([false, true]);
      expect(await world.store.putEnvironment(frozen(environment, { revision: 3 }))).toBe(false);
    });
  });
};
