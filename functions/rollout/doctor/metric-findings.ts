import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Target } from '#policy/target.ts';
import { type Finding, finding } from '#rollout/doctor/finding.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';

/** What the source told of the stable version lately. */
export interface Recent {
  readonly periods: readonly PeriodFacts[];
  readonly stableVersion: string;
  /** The length of the time that was asked about. */
  readonly seconds: number;
}

/** What the periods have of one count: their sum, and whether any has it at all. */
const total = (recent: Recent, what: 'requests' | 'errors'): number | undefined => {
  const known = recent.periods.flatMap(({ facts }) => facts.baseline?.[what] ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
};

/** Requests a second of the stable version; undefined while nothing is known of it. */
export const requestRate = (recent: Recent): number | undefined => {
  const requests = total(recent, 'requests');
  return requests === undefined ? undefined : requests / recent.seconds;
};

const minutesText = (seconds: number): string =>
  seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} minutes`;

/** Why there may be nothing, by where it was looked for. */
const silenceOf = (target: Target, metrics: MetricDefinition): string => {
  switch (metrics.source) {
    case 'cloudwatch':
      return target.kind === 'lambda-alias'
        ? `nobody calls ${target.functionName} through alias ${target.alias}, or AWS tells of its versions only while a release weights them, which the first stage will show`
        : 'nobody calls it, or the load balancer does not route by this rule';
    case 'cloudwatch-custom':
      return `nobody calls it, or metric ${metrics.requests} in ${metrics.namespace} is not counted by these dimensions`;
    case 'prometheus':
      return `nobody calls it, or the query for requests matches no series with its version for $version`;
    case 'lambda':
      return `nobody calls it, or function ${metrics.functionName} does not know the version by this name`;
    default:
      return metrics satisfies never;
  }
};

/** What to do about requests that are counted while errors are not. */
const errorsAdvice = (metrics: MetricDefinition): string => {
  if (metrics.source === 'cloudwatch' && metrics.serverErrors !== undefined) {
    const { namespace, metricName } = metrics.serverErrors;
    return `put metric ${metricName} in ${namespace} with dimensions FunctionName and ExecutedVersion for every request, 0 for one that is no error: without a value errors are not known`;
  }
  if (metrics.source === 'prometheus')
    return 'let the query for errors be zero where requests are known (docs/metrics.md, Prometheus)';
  return 'see docs/metrics.md for what its source has to tell';
};

/** Whether a release would have something to be judged by, from what the stable version shows now. */
export const metricFindings = (
  target: Target,
  metrics: MetricDefinition,
  recent: Recent,
): readonly Finding[] => {
  const { stableVersion, seconds, periods } = recent;
  const requests = total(recent, 'requests');
  const about = `version ${stableVersion} in the last ${minutesText(seconds)} that have settled`;
  if (requests === undefined || requests === 0)
    return [
      finding('metrics', 'warn', `no requests to ${about}: ${silenceOf(target, metrics)}`, { seconds }),
    ];
  const errors = total(recent, 'errors');
  const hasLatency = periods.some(
    ({ facts: { baseline } }) =>
      baseline?.latencyMs !== undefined || Object.keys(baseline?.slowerThan ?? {}).length > 0,
  );
  return [
    finding('metrics', 'ok', `${requests} requests to ${about}`, { requests, seconds }),
    errors === undefined
      ? finding(
          'errors',
          'fail',
          `requests to ${about} are counted, errors are not: ${errorsAdvice(metrics)}`,
        )
      : finding('errors', 'ok', `${errors} errors of ${about}`, { errors }),
    hasLatency
      ? finding('latency', 'ok', `latency of ${about} is known`)
      : finding(
          'latency',
          'warn',
          `latency of ${about} is not known: releases are judged by errors and probes alone`,
        ),
  ];
};
