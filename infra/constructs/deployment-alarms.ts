import { Duration } from 'aws-cdk-lib';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import { countedBy, ownedAlarms, waitingIn } from './owned-alarms.ts';

interface DeploymentAlarmsProps {
  readonly config: StageConfig;
  readonly undeliveredReconciliations: sqs.Queue;
}

/** What must not be overlooked about what runs without a release. Each name has a section in docs/runbook.md. */
export class DeploymentAlarms extends Construct {
  constructor(scope: Construct, id: string, { config, undeliveredReconciliations }: DeploymentAlarmsProps) {
    super(scope, id);
    // Twice as long as from one comparison to the next, so that it stays while a drift does.
    const period = Duration.minutes(2 * config.reconcileEveryMinutes);
    ownedAlarms(this, config, {
      DeploymentDrifted: {
        metric: countedBy('reconcile-deployments', METRIC.deploymentDrifted, period),
        threshold: 1,
        description: 'Something was changed without a release: what runs is not what the last one left.',
      },
      ReconciliationsUndelivered: {
        metric: waitingIn(undeliveredReconciliations),
        threshold: 1,
        description: 'reconcile-deployments fails: a change without a release may go unseen.',
      },
    });
  }
}
