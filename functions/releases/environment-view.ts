import { NotFoundError } from '#platform/errors.ts';
import { isKnownEnvironment } from '#policy/known-environment.ts';
import type { ServiceRegistry } from '#policy/service-registry.ts';
import { type EnvironmentState, type FreezeStore, freezeAt } from '#releases/freeze.ts';

/** An environment as it is at `at`: a freeze that is over is none. */
export const environmentView = (state: EnvironmentState, at: string) => {
  const freeze = freezeAt(state, at);
  const { environment, revision } = state;
  return { environment, revision, frozen: freeze !== undefined, ...(freeze && { freeze }) };
};

/**
 * The state of an environment that there is.
 * @throws NotFoundError when no service is released there: a freeze under a mistyped name would hold nothing up.
 */
export const knownEnvironment = async (
  ports: { readonly environments: FreezeStore; readonly services: Pick<ServiceRegistry, 'list'> },
  environment: string,
): Promise<EnvironmentState> => {
  const state = await ports.environments.readEnvironment(environment);
  if (state.revision > 0 || (await isKnownEnvironment(ports.services, environment))) return state;
  throw new NotFoundError(`no registered service has an environment ${environment}`);
};
