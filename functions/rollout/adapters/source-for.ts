import type { CloudWatchCustom } from '#policy/cloudwatch-custom-schema.ts';
import type { LambdaMetrics } from '#policy/lambda-metrics-schema.ts';
import type { CloudWatchMetrics, MetricDefinition } from '#policy/metric-definition.ts';
import type { PrometheusMetrics } from '#policy/prometheus-definition.ts';
import type { MetricSource } from '#rollout/metric-source.ts';

/** One source for each way a service can say where its facts come from. */
export interface Sources {
  readonly cloudwatch: MetricSource<CloudWatchMetrics | CloudWatchCustom>;
  readonly prometheus: MetricSource<PrometheusMetrics>;
  readonly lambda: MetricSource<LambdaMetrics>;
}

/** The source that a definition names. */
export const sourceFor = (sources: Sources): MetricSource<MetricDefinition> => ({
  read: (definition, arms, from, to) => {
    switch (definition.source) {
      case 'cloudwatch':
      case 'cloudwatch-custom':
        return sources.cloudwatch.read(definition, arms, from, to);
      case 'prometheus':
        return sources.prometheus.read(definition, arms, from, to);
      case 'lambda':
        return sources.lambda.read(definition, arms, from, to);
      default:
        return definition satisfies never;
    }
  },
});
