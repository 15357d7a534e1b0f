import { InvalidRequestError, NotFoundError, PolicyDeniedError } from '#platform/errors.ts';
import { PRODUCTION } from '#platform/ids.ts';
import { type ExperimentSettings, experimentFaults } from '#policy/experiment-schema.ts';
import { type Plan, planAtOnce, planOf, planOfExperiment } from '#policy/plan.ts';
import type { ServiceEnvironment } from '#policy/service-definition.ts';
import type { ServiceRegistry } from '#policy/service-registry.ts';
import type { Strategy } from '#policy/strategy-schema.ts';
import { FIRST_WAVE } from '#policy/wave-definition.ts';
import type { Asked } from '#releases/asked.ts';
import type { Release, Wave } from '#releases/release.ts';
import type { ReleaseRequest } from '#releases/release-request.ts';

export interface DraftPorts {
  readonly services: ServiceRegistry;
  /** What a request may ask for in production. */
  readonly productionStrategies: readonly Strategy[];
}

/** How every release begins. */
export const BEGINNING = { attempt: 1, mode: 'forward', fence: 1, recoveries: 0 } as const;

/** @throws NotFoundError, InvalidRequestError for a service or environment that there is none of. */
export const settingsOf = async (
  services: ServiceRegistry,
  service: string,
  environment: string,
): Promise<ServiceEnvironment> => {
  const registered = await services.get(service);
  if (registered === undefined)
    throw new NotFoundError(`service ${service} is not registered; PUT /v1/services/${service} first`);
  const { environments } = registered.definition;
  // Own ones only: every object has a `constructor`, which is a good name for an environment too.
  const settings = Object.hasOwn(environments, environment) ? environments[environment] : undefined;
  if (settings !== undefined) return settings;
  throw new InvalidRequestError(`service ${service} has no environment ${environment}`, {
    faults: [{ path: 'environment', message: `must be one of: ${Object.keys(environments).join(', ')}` }],
  });
};

/** @throws InvalidRequestError for a version of a wave that there is none of. */
export const wavesOf = (
  settings: ServiceEnvironment,
  { version, versions = {} }: Pick<ReleaseRequest, 'version' | 'versions'>,
): Wave[] => {
  const names = [FIRST_WAVE, ...settings.waves.map(({ name }) => name)];
  const unknown = Object.keys(versions).filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new InvalidRequestError('the request names waves that the environment does not have', {
      faults: unknown.map((name) => ({
        path: `versions.${name}`,
        message: `must be a wave of the environment: ${names.join(', ')}`,
      })),
    });
  const { target, metrics, probes } = settings;
  const first = { name: FIRST_WAVE, target, metrics, probes, bakeSeconds: 0 };
  return [first, ...settings.waves].map(
    ({ name, target, metrics = settings.metrics, probes, bakeSeconds }) => ({
      name,
      target,
      version: versions[name] ?? version,
      metrics,
      ...(probes && { probes }),
      bakeSeconds,
    }),
  );
};

const planFor = (settings: ServiceEnvironment, request: ReleaseRequest): Plan => {
  const { plan, metrics } = settings;
  switch (request.strategy) {
    case 'canary':
      return planOf(plan, request.firstStageWeightPercent);
    case 'blue-green':
    case 'all-at-once':
      return planAtOnce(plan, request.strategy);
    case 'experiment':
      return planOfExperiment(plan, experimentFor(settings, request), metrics.periodSeconds);
    default:
      return request.strategy satisfies never;
  }
};

const invalid = (message: string, path: string, fault: string): InvalidRequestError =>
  new InvalidRequestError(message, { faults: [{ path, message: fault }] });

/** @throws InvalidRequestError for a question that nobody asked, or that can't be asked of this environment. */
const experimentFor = (settings: ServiceEnvironment, request: ReleaseRequest): ExperimentSettings => {
  const experiment = request.experiment ?? settings.experiment;
  if (experiment === undefined)
    throw invalid(
      'an experiment has a question, and neither the request nor the service asks one',
      'experiment',
      'must say goal, horizon and split, here or in the service’s environment',
    );
  if (request.firstStageWeightPercent !== undefined)
    throw invalid(
      'the split of an experiment says its weight',
      'firstStageWeightPercent',
      'must be left out: split.weightPercent of the experiment is its weight',
    );
  const faults = experimentFaults(experiment, settings);
  if (faults.length === 0) return experiment;
  throw new InvalidRequestError('the experiment does not go with the environment', {
    faults: faults.map(({ path, message }) => ({ path: ['experiment', ...path].join('.'), message })),
  });
};

/** @throws PolicyDeniedError for what this stage doesn't let happen in production; InvalidRequestError for what can't be. */
const refuseStrategy = (
  { strategy, environment, experiment }: ReleaseRequest,
  { hooks, target, waves }: ServiceEnvironment,
  inProduction: readonly Strategy[],
): void => {
  if (environment === PRODUCTION && !inProduction.includes(strategy))
    throw new PolicyDeniedError(
      `strategy ${strategy} is not allowed in production (allowed: ${inProduction.join(', ')}); whoever runs Sluice names strategies in the setting productionStrategies`,
    );
  if (experiment !== undefined && strategy !== 'experiment')
    throw invalid(
      `a release by ${strategy} asks no question`,
      'experiment',
      'must be left out, or the strategy must be experiment',
    );
  if (
    strategy === 'blue-green' &&
    [target, ...waves.map((wave) => wave.target)].some(({ kind }) => kind === 'ecs')
  )
    throw new InvalidRequestError(
      'blue-green checks the new version before it gets any traffic, and an ECS service runs it only after that check',
      {
        faults: [
          {
            path: 'strategy',
            message: 'must not be blue-green for an ecs target; use canary, with a hook at its first stage',
          },
        ],
      },
    );
  if (strategy === 'blue-green' && !hooks.some(({ at }) => at === 'before-traffic'))
    throw new InvalidRequestError(
      'blue-green checks the new version before it gets any traffic, and the service has nothing that does',
      {
        faults: [
          {
            path: 'strategy',
            message: 'needs a hook at before-traffic in the service, such as a smoke test',
          },
        ],
      },
    );
};

/**
 * The release as asked for, everything it needs spelled out from the service's definition.
 * @throws NotFoundError, InvalidRequestError naming what of the request doesn't go with the definition.
 */
export const draftRelease = async (
  { services, productionStrategies }: DraftPorts,
  asked: Asked,
): Promise<Release> => {
  const { request } = asked;
  const { service, environment, version, strategy, notes } = request;
  const settings = await settingsOf(services, service, environment);
  refuseStrategy(request, settings, productionStrategies);
  return {
    releaseId: asked.releaseId,
    service,
    environment,
    version,
    strategy,
    ...(notes !== undefined && { notes }),
    requestedBy: asked.requestedBy,
    requestedAt: asked.at,
    request,
    ...(asked.retryOf && { retryOf: asked.retryOf }),
    ...(settings.onActiveRelease === 'supersede' && { supersedes: true }),
    ...(settings.hooks.length > 0 && { hooks: settings.hooks }),
    ...(settings.guardAlarms && { guardAlarms: settings.guardAlarms }),
    waves: wavesOf(settings, request),
    plan: planFor(settings, request),
    judge: settings.judge,
    ...BEGINNING,
  };
};
