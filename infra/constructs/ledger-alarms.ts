import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC, METRIC_NAMESPACE } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';

interface LedgerAlarmsProps {
  readonly config: StageConfig;
  readonly writer: GovernedFunction;
  readonly publisher: GovernedFunction;
  readonly lateRecords: sqs.Queue;
  readonly deadLateRecords: sqs.Queue;
  readonly unpublished: sqs.Queue;
}

interface Watched {
  readonly metric: cloudwatch.IMetric;
  /** Alarms from this value on. */
  readonly threshold: number;
  readonly description: string;
}

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** What must not be overlooked about the ledger. Each name has a section in docs/runbook.md. */
export class LedgerAlarms extends Construct {
  constructor(scope: Construct, id: string, props: LedgerAlarmsProps) {
    super(scope, id);
    const tampered = new cloudwatch.Metric({
      namespace: METRIC_NAMESPACE,
      metricName: METRIC.ledgerTampered,
      dimensionsMap: { service: 'publish-events' },
      statistic: 'Sum',
      period: MINUTE,
    });
    const waiting = (queue: sqs.Queue) =>
      queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: MINUTE });
    const alarms: Readonly<Record<string, Watched>> = {
      LedgerTampered: {
        metric: tampered,
        threshold: 1,
        description: 'A record of the ledger was changed, removed, or put there by hand.',
      },
      LedgerUnavailable: {
        metric: props.writer.function.metricErrors({ period: FIVE_MINUTES }),
        threshold: 5,
        description: "The ledger's writer keeps failing: nothing new can be decided.",
      },
      LateRecordsWaiting: {
        metric: props.lateRecords.metricApproximateAgeOfOldestMessage({
          statistic: 'Maximum',
          period: MINUTE,
        }),
        threshold: 900,
        description: 'Records of restores have been waiting for the ledger for 15 minutes.',
      },
      LateRecordsDead: {
        metric: waiting(props.deadLateRecords),
        threshold: 1,
        description: 'Records of restores could not be appended and are no longer tried.',
      },
      EventsDelayed: {
        metric: props.publisher.function.metric('IteratorAge', { statistic: 'Maximum', period: MINUTE }),
        threshold: FIVE_MINUTES.toMilliseconds(),
        description: 'Records become events more than five minutes late.',
      },
      EventsUnpublished: {
        metric: waiting(props.unpublished),
        threshold: 1,
        description: 'Some records were given up on and never became events.',
      },
    };
    for (const [name, { metric, threshold, description }] of Object.entries(alarms))
      new cloudwatch.Alarm(this, name, {
        alarmName: `${props.config.name}-${name}`,
        alarmDescription: `${description} Runbook: ${name}.`,
        metric,
        threshold,
        evaluationPeriods: 1,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      });
  }
}
