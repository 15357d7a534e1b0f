import { Duration } from 'aws-cdk-lib';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';
import { countedBy, ownedAlarms, waitingIn } from './owned-alarms.ts';

interface LedgerAlarmsProps {
  readonly config: StageConfig;
  readonly writer: GovernedFunction;
  readonly publisher: GovernedFunction;
  readonly indexer: GovernedFunction;
  readonly lateRecords: sqs.Queue;
  readonly deadLateRecords: sqs.Queue;
  readonly captures: sqs.Queue;
  readonly deadCaptures: sqs.Queue;
  readonly unpublished: sqs.Queue;
}

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** What must not be overlooked about the ledger. Each name has a section in docs/runbook.md. */
export class LedgerAlarms extends Construct {
  constructor(scope: Construct, id: string, props: LedgerAlarmsProps) {
    super(scope, id);
    ownedAlarms(this, props.config, {
      LedgerTampered: {
        metric: countedBy('publish-events', METRIC.ledgerTampered, MINUTE),
        threshold: 1,
        description: 'A record of the ledger was changed, removed, or put there by hand.',
      },
      LedgerUnavailable: {
        metric: props.writer.function.metricErrors({ period: FIVE_MINUTES }),
        threshold: 5,
        description: "The ledger's writer keeps failing: nothing new can be decided.",
      },
      LedgerContended: {
        metric: countedBy('append-records', METRIC.ledgerAppendContended, FIVE_MINUTES),
        threshold: 1_000,
        description: "Appends keep losing the ledger's head to each other: decisions get slow.",
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
        metric: waitingIn(props.deadLateRecords),
        threshold: 1,
        description: 'Records of restores could not be appended and are no longer tried.',
      },
      CapturesWaiting: {
        metric: props.captures.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: MINUTE }),
        threshold: 900,
        description: 'What GitHub and AWS told has been waiting for the ledger for 15 minutes.',
      },
      CapturesDead: {
        metric: waitingIn(props.deadCaptures),
        threshold: 1,
        description: 'What GitHub or AWS told could not be recorded and is no longer tried.',
      },
      EventsDelayed: {
        metric: props.publisher.function.metric('IteratorAge', { statistic: 'Maximum', period: MINUTE }),
        threshold: FIVE_MINUTES.toMilliseconds(),
        description: 'Records become events more than five minutes late.',
      },
      SearchDelayed: {
        metric: props.indexer.function.metric('IteratorAge', { statistic: 'Maximum', period: MINUTE }),
        threshold: FIVE_MINUTES.toMilliseconds(),
        description: 'Searches in the ledger do not find records of the last five minutes.',
      },
      EventsUnpublished: {
        metric: waitingIn(props.unpublished),
        threshold: 1,
        description: 'Some records were given up on and never became events.',
      },
    });
  }
}
