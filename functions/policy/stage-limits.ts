import type { Fault } from '#platform/errors.ts';
import { type OutboundRules, outboundFault } from '#policy/outbound-rules.ts';
import type { ServiceDefinition, ServiceEnvironment } from '#policy/service-definition.ts';

/** What a stage's configuration leaves to the services registered in it. */
export interface StageLimits {
  readonly metricPeriodSecondsMin: number;
  readonly probes: OutboundRules;
  readonly prometheus: OutboundRules;
  readonly metricFunctions: readonly string[];
}

/** A period that the source doesn't have would read as no data, for ever. */
const tooFine = (path: string, { metrics }: ServiceEnvironment, finest: number): readonly Fault[] =>
  metrics.source !== 'cloudwatch' || metrics.periodSeconds >= finest
    ? []
    : [
        {
          path: `${path}.metrics.periodSeconds`,
          message: `must be at least ${finest}: CloudWatch has Lambda's metrics no finer`,
        },
      ];

const unreachable = (
  path: string,
  { probes, metrics }: ServiceEnvironment,
  limits: StageLimits,
): readonly Fault[] => [
  ...(metrics.source === 'prometheus'
    ? outboundFault(`${path}.metrics.url`, metrics.url, limits.prometheus, 'prometheusHosts')
    : []),
  ...(['url', 'baselineUrl'] as const).flatMap((name) => {
    const url = probes?.[name];
    return url === undefined ? [] : outboundFault(`${path}.probes.${name}`, url, limits.probes, 'probeHosts');
  }),
];

const uncallable = (
  path: string,
  { metrics }: ServiceEnvironment,
  allowed: readonly string[],
): readonly Fault[] =>
  metrics.source !== 'lambda' || allowed.includes(metrics.functionName)
    ? []
    : [
        {
          path: `${path}.metrics.functionName`,
          message: `function ${metrics.functionName} is not one that this stage may call; whoever runs Sluice names functions in the setting metricFunctions`,
        },
      ];

/** Everything in a definition that is valid by itself and that this stage doesn't allow. */
export const stageFaults = (definition: ServiceDefinition, limits: StageLimits): readonly Fault[] =>
  Object.entries(definition.environments).flatMap(([name, settings]) => {
    const path = `environments.${name}`;
    return [
      ...tooFine(path, settings, limits.metricPeriodSecondsMin),
      ...unreachable(path, settings, limits),
      ...uncallable(path, settings, limits.metricFunctions),
    ];
  });
