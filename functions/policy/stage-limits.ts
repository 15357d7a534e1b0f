import type { Fault } from '#platform/errors.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import { type OutboundRules, outboundFault } from '#policy/outbound-rules.ts';
import type { ProbeDefinition } from '#policy/probe-definition.ts';
import type { ServiceDefinition, ServiceEnvironment } from '#policy/service-definition.ts';
import { regionOf, type Target } from '#policy/target.ts';

/** What a stage's configuration leaves to the services registered in it. */
export interface StageLimits {
  readonly metricPeriodSecondsMin: number;
  readonly probes: OutboundRules;
  readonly prometheus: OutboundRules;
  readonly metricFunctions: readonly string[];
  readonly ownRegion: string;
  /** Others that targets may be in. */
  readonly targetRegions: readonly string[];
  readonly hooks: OutboundRules;
  readonly hookFunctions: readonly string[];
}

/** What one target's traffic is judged by, as far as the definition says so at this place. */
interface Place {
  readonly target: Target;
  readonly metrics?: MetricDefinition | undefined;
  readonly probes?: ProbeDefinition | undefined;
}

/** A period that the source doesn't have would read as no data, for ever. */
const tooFine = (path: string, { metrics }: Place, finest: number): readonly Fault[] =>
  !metrics?.source.startsWith('cloudwatch') || metrics.periodSeconds >= finest
    ? []
    : [
        {
          path: `${path}.metrics.periodSeconds`,
          message: `must be at least ${finest}: CloudWatch has Lambda's metrics no finer`,
        },
      ];

const unreachable = (path: string, { probes, metrics }: Place, limits: StageLimits): readonly Fault[] => [
  ...(metrics?.source === 'prometheus'
    ? outboundFault(`${path}.metrics.url`, metrics.url, limits.prometheus, 'prometheusHosts')
    : []),
  ...(['url', 'baselineUrl'] as const).flatMap((name) => {
    const url = probes?.[name];
    return url === undefined ? [] : outboundFault(`${path}.probes.${name}`, url, limits.probes, 'probeHosts');
  }),
];

const uncallable = (path: string, { metrics }: Place, allowed: readonly string[]): readonly Fault[] =>
  metrics?.source !== 'lambda' || allowed.includes(metrics.functionName)
    ? []
    : [
        {
          path: `${path}.metrics.functionName`,
          message: `function ${metrics.functionName} is not one that this stage may call; whoever runs Sluice names functions in the setting metricFunctions`,
        },
      ];

/** One target has one name: the stack's own region is meant by leaving it out. */
const outOfReach = (
  path: string,
  { target }: Place,
  { ownRegion, targetRegions }: StageLimits,
): readonly Fault[] => {
  const region = regionOf(target);
  if (region === undefined) return [];
  if ('region' in target && region === ownRegion)
    return [{ path: `${path}.target.region`, message: `must be left out: ${region} is the stack's own` }];
  return region === ownRegion || targetRegions.includes(region)
    ? []
    : [
        {
          path: `${path}.target`,
          message: `is in ${region}, where this stage may move nothing; whoever runs Sluice names regions in the setting targetRegions`,
        },
      ];
};

/** Hooks that this stage may not call: found at the first release, that would refuse it. */
const unaskable = (path: string, { hooks }: ServiceEnvironment, limits: StageLimits): readonly Fault[] =>
  hooks.flatMap(({ call }, index) => {
    const at = `${path}.hooks.${index}.call`;
    if (call.kind === 'http') return outboundFault(`${at}.url`, call.url, limits.hooks, 'hookHosts');
    return limits.hookFunctions.includes(call.functionName)
      ? []
      : [
          {
            path: `${at}.functionName`,
            message: `function ${call.functionName} is not one that this stage may call; whoever runs Sluice names functions in the setting hookFunctions`,
          },
        ];
  });

/** Everything in a definition that is valid by itself and that this stage doesn't allow. */
export const stageFaults = (definition: ServiceDefinition, limits: StageLimits): readonly Fault[] =>
  Object.entries(definition.environments).flatMap(([name, settings]) => {
    const path = `environments.${name}`;
    const places: readonly (readonly [string, Place])[] = [
      [path, settings],
      ...settings.waves.map((wave, index) => [`${path}.waves.${index}`, wave] as const),
    ];
    return [
      ...unaskable(path, settings, limits),
      ...places.flatMap(([at, place]) => [
        ...tooFine(at, place, limits.metricPeriodSecondsMin),
        ...unreachable(at, place, limits),
        ...uncallable(at, place, limits.metricFunctions),
        ...outOfReach(at, place, limits),
      ]),
    ];
  });
