import { Duration } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { ownedAlarms } from './owned-alarms.ts';

interface WorkflowAlarmsProps {
  readonly config: StageConfig;
  readonly release: sfn.StateMachine;
  readonly recovery: sfn.StateMachine;
}

const PERIOD = { period: Duration.minutes(1) };

/**
 * A workflow that ends in any way but by itself has not concluded its release. One alarm for each way, not one for a
 * sum: an expression over metrics of which most are missing at any time is itself missing, or never settles.
 */
export class WorkflowAlarms extends Construct {
  constructor(scope: Construct, id: string, { config, release, recovery }: WorkflowAlarmsProps) {
    super(scope, id);
    const watched = (metric: ReturnType<sfn.StateMachine['metricFailed']>, description: string) => ({
      metric,
      threshold: 1,
      description,
    });
    ownedAlarms(this, config, {
      ReleaseWorkflowFailed: watched(release.metricFailed(PERIOD), 'A release workflow failed.'),
      ReleaseWorkflowTimedOut: watched(release.metricTimedOut(PERIOD), 'A release workflow timed out.'),
      ReleaseWorkflowAborted: watched(
        release.metricAborted(PERIOD),
        'A release workflow was stopped from outside.',
      ),
      RecoveryWorkflowFailed: watched(
        recovery.metricFailed(PERIOD),
        'A recovery failed: canary traffic may be left where it is.',
      ),
      RecoveryWorkflowTimedOut: watched(
        recovery.metricTimedOut(PERIOD),
        'A recovery timed out: canary traffic may be left where it is.',
      ),
      RecoveryWorkflowAborted: watched(
        recovery.metricAborted(PERIOD),
        'A recovery was stopped from outside: canary traffic may be left where it is.',
      ),
    });
  }
}
