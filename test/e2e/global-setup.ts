import type { TestProject } from 'vitest/node';
import { createPerson, newPassword } from '../../local/people.ts';
import { startWorld } from '../../local/world.ts';
import { createReleasableTargets, permissionsFor, type ReleasableTargets } from './aws-targets.ts';
import { startFaultProxy } from './fault-proxy.ts';

/** Everyone the tests sign in as: one person a role, and one without any. */
export const PEOPLE = {
  olive: ['operator', 'auditor'],
  robin: ['requester'],
  vera: ['viewer'],
  nemo: [],
} as const;

/** What every test file is given; data only, because it crosses processes. */
export interface ProvidedWorld {
  readonly endpoint: string;
  readonly apiUrl: string;
  readonly busName: string;
  readonly pool: { readonly endpoint: string; readonly userPoolId: string; readonly clientId: string };
  readonly faultsUrl: string;
  readonly password: string;
  readonly targets: ReleasableTargets;
}

declare module 'vitest' {
  interface ProvidedContext {
    world: ProvidedWorld;
  }
}

/** One local AWS on a port of its own for the whole run, with a proxy between the functions and it. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const proxy = await startFaultProxy();
  let targets: ReleasableTargets | undefined;
  const world = await startWorld({
    port: 0,
    functionsEndpoint: proxy.url,
    settings: async (atEndpoint) => {
      targets = await createReleasableTargets(atEndpoint);
      return permissionsFor(targets);
    },
    log: (line) => process.stdout.write(`  ${line}\n`),
  });
  proxy.target = world.endpoint;
  const password = newPassword();
  for (const [name, roles] of Object.entries(PEOPLE)) await createPerson(world.pool, name, password, roles);
  if (targets === undefined) throw new Error('the stack was deployed without the targets of its tests');
  const { endpoint, apiUrl, busName, pool } = world;
  project.provide('world', { endpoint, apiUrl, busName, pool, faultsUrl: proxy.url, password, targets });
  return async () => {
    await world.stop();
    await proxy.stop();
  };
};
