import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { METRIC } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';
import { countedBy, ownedAlarms } from './owned-alarms.ts';

interface RolloutAlarmsProps {
  readonly config: StageConfig;
  readonly restorer: GovernedFunction;
  readonly retirer: GovernedFunction;
}

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** What must not be overlooked about traffic and its judge. Each name has a section in docs/runbook.md. */
export class RolloutAlarms extends Construct {
  constructor(scope: Construct, id: string, { config, restorer, retirer }: RolloutAlarmsProps) {
    super(scope, id);
    ownedAlarms(this, config, {
      RestoreFailed: {
        // Lambda's own count: a function that ran out of time counts nothing itself.
        metric: restorer.function.metricErrors({ period: MINUTE }),
        threshold: 1,
        description: 'Traffic could not be brought back, or not verified, at the first try.',
      },
      RestoreThrottled: {
        metric: restorer.function.metricThrottles({ period: MINUTE }),
        threshold: 1,
        description: "A restore was not run because the account's Lambda concurrency is used up.",
      },
      RetirementFailed: {
        metric: retirer.function.metricErrors({ period: FIVE_MINUTES }),
        // Of its six tries, however two periods share them: one or two that fail are tried again.
        threshold: 3,
        description: 'What a release no longer needs was not given back, and goes on costing.',
      },
      RollbackHeld: {
        metric: countedBy('judge-health', METRIC.rollbackHeld, FIVE_MINUTES),
        threshold: 1,
        description: 'A release should be restored, and is not, because automatic rollback is switched off.',
      },
      JudgedWithoutData: {
        // A team's looks come once a minute: most of five had nothing.
        metric: countedBy('judge-health', METRIC.judgedWithoutData, FIVE_MINUTES),
        threshold: 3,
        description: 'A rollout is looked at, and its metrics show neither version.',
      },
    });
  }
}
