import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { releaseRoutes } from '#releases/routes.ts';
import { type ApiClient, ApiProblem } from '../../cli/api-client.ts';
import { Unreachable } from '../../cli/failure.ts';
import { persistentClient } from '../../cli/persistent-client.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const refused = (status: number): ApiProblem =>
  new ApiProblem({ type: 'about:blank', title: 'no', status, detail: 'not now' });

/** Fails in these ways, one after the other, then answers. */
const failing = (...ways: readonly Error[]) => {
  const keys: (string | undefined)[] = [];
  const api = {
    call: async (_: unknown, { idempotencyKey }: { idempotencyKey?: string }) => {
      keys.push(idempotencyKey);
      const way = ways[keys.length - 1];
      if (way !== undefined) throw way;
      return { releases: [] };
    },
  } as unknown as ApiClient;
  return { api, keys };
};

const unreachable = new Unreachable('https://api.example.com', new Error('no route'));
const list = (api: ApiClient) => persistentClient(api, 10).call(releaseRoutes.listReleases, {});
const body = { service: 'checkout', environment: 'production', version: '2' };

const settled = async <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  await vi.runAllTimersAsync();
  return promise;
};

it('asks again when the network, or the API, fails in passing', async () => {
  const { api, keys } = failing(unreachable, refused(503), refused(429));
  expect(await settled(list(api))).toEqual({ releases: [] });
  expect(keys).toHaveLength(4);
});

it('sends what changes something again only under the same key', async () => {
  const keyed = failing(unreachable, unreachable);
  const again = persistentClient(keyed.api, 10);
  await settled(again.call(releaseRoutes.requestRelease, { body, idempotencyKey: 'k-1' }));
  expect(keyed.keys).toEqual(['k-1', 'k-1', 'k-1']);
  const bare = failing(unreachable);
  const once = persistentClient(bare.api, 10).call(releaseRoutes.requestRelease, { body });
  await expect(settled(once)).rejects.toBe(unreachable);
  expect(bare.keys).toHaveLength(1);
});

it.each([400, 401, 403, 404, 409, 500])('takes %i for the answer it is', async (status) => {
  const { api, keys } = failing(refused(status));
  await expect(settled(list(api))).rejects.toMatchObject({ problem: { status } });
  expect(keys).toHaveLength(1);
});

it('gives up when its time is over, with what was wrong last', async () => {
  const { api, keys } = failing(...Array.from({ length: 50 }, () => unreachable));
  await expect(settled(list(api))).rejects.toBe(unreachable);
  // At 0, 0.5, 1.5, 3.5 and 7.5 s; the next would be past ten.
  expect(keys).toHaveLength(5);
});
