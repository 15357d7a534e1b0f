import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type METRIC, METRIC_NAMESPACE } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';

/** What an alarm looks at, by the alarm's name. */
export interface Watched {
  readonly metric: cloudwatch.IMetric;
  /** Alarms from this value on. */
  readonly threshold: number;
  readonly description: string;
}

/** What is true of every alarm: its name is that of its section in docs/runbook.md. */
const named = ({ name: prefix }: StageConfig, name: string, description: string) => ({
  alarmName: `${prefix}-${name}`,
  alarmDescription: `${description} Runbook: ${name}.`,
  evaluationPeriods: 1,
});

/** Alarms on counts of things that should not happen: silence is none. */
export const ownedAlarms = (
  scope: Construct,
  config: StageConfig,
  alarms: Readonly<Record<string, Watched>>,
): void => {
  for (const [name, { metric, threshold, description }] of Object.entries(alarms))
    new cloudwatch.Alarm(scope, name, {
      ...named(config, name, description),
      metric,
      threshold,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
};

/** Alarms on what happens all the time while all is well: silence, as long as the metric's period, is one. */
export const silenceAlarms = (
  scope: Construct,
  config: StageConfig,
  alarms: Readonly<Record<string, Omit<Watched, 'threshold'>>>,
): void => {
  for (const [name, { metric, description }] of Object.entries(alarms))
    new cloudwatch.Alarm(scope, name, {
      ...named(config, name, description),
      metric,
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
};

/** A metric of ours as the function `entry` emits it: Powertools adds the function's name as dimension. */
export const countedBy = (
  entry: string,
  metricName: (typeof METRIC)[keyof typeof METRIC],
  period: Duration,
): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { service: entry },
    statistic: 'Sum',
    period,
  });

/** Messages that nobody takes: stays in alarm until the queue is empty. */
export const waitingIn = (queue: sqs.Queue): cloudwatch.Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: Duration.minutes(1) });
