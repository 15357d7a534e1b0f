import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC, METRIC_NAMESPACE } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import { functionName } from './governed-function.ts';
import { countedBy, waitingIn } from './owned-alarms.ts';

const HOUR = Duration.hours(1);
const FIVE_MINUTES = Duration.minutes(5);
const WIDTH = 24;

const labelled = (metric: cloudwatch.Metric, label: string): cloudwatch.Metric => metric.with({ label });

/** How releases end; both doors and the workflow's end count what they see. */
const outcomes = (): cloudwatch.Metric[] => [
  labelled(countedBy('serve-releases', METRIC.releaseRequested, HOUR), 'asked for by API'),
  labelled(countedBy('start-release', METRIC.releaseRequested, HOUR), 'asked for by event'),
  labelled(countedBy('start-release', METRIC.releaseRefused, HOUR), 'refused at the event door'),
  labelled(countedBy('admit-release', METRIC.releaseStarted, HOUR), 'started'),
  labelled(countedBy('conclude-release', METRIC.releasePromoted, HOUR), 'promoted'),
  labelled(countedBy('conclude-release', METRIC.releaseRolledBack, HOUR), 'rolled back'),
  labelled(countedBy('conclude-release', METRIC.releaseCompleted, HOUR), 'experiments over'),
  labelled(countedBy('conclude-release', METRIC.releaseAborted, HOUR), 'aborted before any traffic'),
  labelled(countedBy('conclude-release', METRIC.releaseRefused, HOUR), 'refused by its target'),
];

const restoreTime = (statistic: string): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: METRIC_NAMESPACE,
    metricName: METRIC.restoreMilliseconds,
    dimensionsMap: { service: 'restore-traffic' },
    statistic,
    period: HOUR,
    label: `${statistic}, milliseconds`,
  });

const looks = (): cloudwatch.Metric[] => [
  labelled(countedBy('judge-health', METRIC.judgedWithoutData, FIVE_MINUTES), 'looks without data'),
  labelled(countedBy('judge-health', METRIC.rollbackHeld, FIVE_MINUTES), 'breaches held'),
  labelled(countedBy('recover-release', METRIC.releaseStuck, FIVE_MINUTES), 'releases stuck'),
];

/** Rollouts at a glance, on one CloudWatch dashboard: read from left to right, what happened and what is wrong. */
export class RolloutDashboard extends Construct {
  private readonly config: StageConfig;

  constructor(scope: Construct, id: string, { config }: { readonly config: StageConfig }) {
    super(scope, id);
    this.config = config;
  }

  /** Shows every alarm and every queue that stands under `scope` by now, so that none can be forgotten. */
  show(scope: Construct): void {
    const all = scope.node.findAll();
    const alarms = all.filter((one): one is cloudwatch.Alarm => one instanceof cloudwatch.Alarm);
    const queues = all.filter((one): one is sqs.Queue => one instanceof sqs.Queue);
    const graph = (title: string, left: cloudwatch.IMetric[], width: number) =>
      new cloudwatch.GraphWidget({ title, left, width, height: 6, leftYAxis: { min: 0 } });
    new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `${this.config.name}-rollouts`,
      defaultInterval: Duration.days(1),
      widgets: [
        [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms, width: WIDTH, height: 4 })],
        [
          graph('Releases an hour', outcomes(), WIDTH / 2),
          graph(
            'Restore, from its beginning to read back',
            [restoreTime('p50'), restoreTime('Maximum')],
            WIDTH / 2,
          ),
        ],
        [
          graph('Looks', looks(), WIDTH / 3),
          graph('Ledger', this.ledger(), WIDTH / 3),
          graph(
            'Messages waiting',
            queues.map((queue) => labelled(waitingIn(queue), queue.node.id)),
            WIDTH / 3,
          ),
        ],
      ],
    });
  }

  private ledger(): cloudwatch.Metric[] {
    const writer = (metricName: string, label: string) =>
      new cloudwatch.Metric({
        namespace: 'AWS/Lambda',
        metricName,
        dimensionsMap: { FunctionName: functionName(this.config, 'append-records') },
        statistic: 'Sum',
        period: FIVE_MINUTES,
        label,
      });
    return [
      writer('Invocations', 'appends'),
      writer('Errors', 'failed appends'),
      labelled(countedBy('append-records', METRIC.ledgerAppendContended, FIVE_MINUTES), 'contended'),
      labelled(countedBy('append-records', METRIC.ledgerRecordLate, FIVE_MINUTES), 'late records'),
    ];
  }
}
