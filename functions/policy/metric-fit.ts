import { type CloudWatchCustom, PLACE } from '#policy/cloudwatch-custom-schema.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Target } from '#policy/target.ts';

/** A field of a metric definition that its target has no use for, or can't do without. */
export interface Misfit {
  readonly path: readonly string[];
  readonly message: string;
}

/** Elastic Load Balancing reports to CloudWatch in 60-second intervals. */
const ALB_PERIOD_SECONDS = 60;

const albMisfits = (metrics: MetricDefinition): readonly Misfit[] => {
  if (metrics.source !== 'cloudwatch') return [];
  const { invokedBy, serverErrors, slowerThan, periodSeconds } = metrics;
  return [
    ...(invokedBy === 'http'
      ? []
      : [{ path: ['invokedBy'], message: 'must be http: that is how a load balancer reaches its targets' }]),
    ...(serverErrors === undefined
      ? []
      : [
          {
            path: ['serverErrors'],
            message: "must be left out: the load balancer counts its targets' 5xx answers",
          },
        ]),
    ...(slowerThan.from === 'trimmed-count'
      ? []
      : [
          {
            path: ['slowerThan', 'from'],
            message: 'must be trimmed-count: the load balancer measures its targets',
          },
        ]),
    ...(periodSeconds % ALB_PERIOD_SECONDS === 0
      ? []
      : [
          {
            path: ['periodSeconds'],
            message: `must be a multiple of ${ALB_PERIOD_SECONDS}: load balancers report no finer`,
          },
        ]),
  ];
};

/** AWS counts by version only what it routes itself. */
const NO_SERIES: Misfit = {
  path: ['source'],
  message:
    'must be a source that knows the versions of this target: CloudWatch has no metrics of its own for them',
};

/** Only an ECS target has places. */
const customMisfits = (target: Target, { dimensions }: CloudWatchCustom): readonly Misfit[] =>
  target.kind === 'ecs'
    ? []
    : Object.entries(dimensions)
        .filter(([, value]) => value.includes(PLACE))
        .map(([name]) => ({
          path: ['dimensions', name],
          message: `must do without ${PLACE}: only the services of an ECS target have names of their own`,
        }));

/** What of a definition that is valid by itself doesn't go with the target. Paths are those inside `metrics`. */
export const metricMisfits = (target: Target, metrics: MetricDefinition): readonly Misfit[] => {
  if (metrics.source === 'cloudwatch-custom') return customMisfits(target, metrics);
  switch (target.kind) {
    case 'lambda-alias':
      return [];
    case 'alb':
    case 'ecs':
      return albMisfits(metrics);
    case 'appconfig-flag':
    case 'custom':
      return metrics.source === 'cloudwatch' ? [NO_SERIES] : [];
    default:
      return target satisfies never;
  }
};
