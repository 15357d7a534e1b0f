import { Duration } from 'aws-cdk-lib';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import { countedBy, ownedAlarms, waitingIn } from './owned-alarms.ts';

interface ReleaseAlarmsProps {
  readonly config: StageConfig;
  readonly undeliveredRequests: sqs.Queue;
  readonly refusedRequests: sqs.Queue;
  readonly undeliveredRecoveries: sqs.Queue;
}

/** What must not be overlooked about asking for releases and finishing them. Each name has a section in docs/runbook.md. */
export class ReleaseAlarms extends Construct {
  constructor(scope: Construct, id: string, props: ReleaseAlarmsProps) {
    super(scope, id);
    ownedAlarms(this, props.config, {
      RequestsUndelivered: {
        metric: waitingIn(props.undeliveredRequests),
        threshold: 1,
        description: 'Releases asked for by events were not taken in after every try.',
      },
      RequestsRefused: {
        metric: waitingIn(props.refusedRequests),
        threshold: 1,
        description:
          'Releases or commands that came as events were refused; nobody is waiting for an answer but here.',
      },
      RecoveriesUndelivered: {
        metric: waitingIn(props.undeliveredRecoveries),
        threshold: 1,
        description: 'recover-release fails: a release whose workflow is gone may keep its canary traffic.',
      },
      ReleaseStuck: {
        metric: countedBy('recover-release', METRIC.releaseStuck, Duration.minutes(5)),
        threshold: 1,
        description: 'A release goes neither forward nor back, though its workflow is there.',
      },
      ReleaseRecovered: {
        metric: countedBy('recover-release', METRIC.releaseRecovered, Duration.minutes(5)),
        threshold: 1,
        description: 'The workflow of a release was gone; its traffic is being restored.',
      },
    });
  }
}
