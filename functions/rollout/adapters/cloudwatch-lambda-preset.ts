import type { CloudWatchMetrics } from '#policy/metric-definition.ts';
import type { LambdaAliasTarget } from '#policy/target.ts';
import type { Preset, Wanted } from '#rollout/adapters/cloudwatch-preset.ts';
import { LATENCY_GRID_MS } from '#rollout/judge/facts.ts';

/** Every series that is read for one version behind the alias. */
const seriesOf = (definition: CloudWatchMetrics, target: LambdaAliasTarget, version: string): Wanted[] => {
  const FunctionName = target.functionName;
  const byVersion = { FunctionName, ExecutedVersion: version };
  const lambda = (what: string, metricName: string, stat: string): Wanted => ({
    what,
    namespace: 'AWS/Lambda',
    metricName,
    stat,
    dimensions: { ...byVersion, Resource: `${FunctionName}:${target.alias}` },
  });
  const slow = LATENCY_GRID_MS.map((bound): Wanted => {
    const { slowerThan } = definition;
    return slowerThan.from === 'trimmed-count'
      ? lambda(`slower:${bound}`, 'Duration', `TC(${bound}:)`)
      : {
          what: `slower:${bound}`,
          namespace: slowerThan.namespace,
          metricName: `${slowerThan.prefix}${bound}`,
          stat: 'Sum',
          dimensions: byVersion,
        };
  });
  return [
    lambda('requests', 'Invocations', 'Sum'),
    lambda('errors', 'Errors', 'Sum'),
    lambda('p50', 'Duration', 'p50'),
    lambda('p95', 'Duration', 'p95'),
    lambda('p99', 'Duration', 'p99'),
    ...(definition.serverErrors
      ? [{ what: 'serverErrors', ...definition.serverErrors, stat: 'Sum', dimensions: byVersion }]
      : []),
    ...slow,
  ];
};

/** Versions behind a Lambda alias. With a 5xx count declared, errors are known only when both kinds are. */
export const lambdaPreset = (definition: CloudWatchMetrics, target: LambdaAliasTarget): Preset => ({
  seriesOf: (version) => seriesOf(definition, target, version),
  errorsOf: (get) => {
    const [own, server] = [get('errors'), get('serverErrors')];
    if (definition.serverErrors === undefined) return own;
    return own !== undefined && server !== undefined ? own + server : undefined;
  },
  latencyUnitMs: 1,
});
