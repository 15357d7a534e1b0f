import { Duration } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { ownedAlarms, silenceAlarms, waitingIn } from './owned-alarms.ts';

interface LedgerTreeAlarmsProps {
  readonly config: StageConfig;
  readonly sealer: lambda.IFunction;
  readonly missedSeals: sqs.Queue;
  readonly missedChecks: sqs.Queue;
}

/** So many calls of the sealer in a row that did not come are no delay. */
const LOOKS = 3;
const SILENCE_MINUTES = 15;

/** What must not be overlooked about the ledger's proofs. Each name has a section in docs/runbook.md. */
export class LedgerTreeAlarms extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { config, sealer, missedSeals, missedChecks }: LedgerTreeAlarmsProps,
  ) {
    super(scope, id);
    ownedAlarms(this, config, {
      SealingLate: {
        metric: waitingIn(missedSeals),
        threshold: 1,
        description: 'New records of the ledger could not be signed.',
      },
      LedgerVerificationFailed: {
        metric: waitingIn(missedChecks),
        threshold: 1,
        description: 'The ledger could not be verified, or is not as it was signed.',
      },
    });
    const silence = Duration.minutes(Math.max(SILENCE_MINUTES, LOOKS * config.sealEveryMinutes));
    silenceAlarms(this, config, {
      SealingStopped: {
        metric: sealer.metricInvocations({ statistic: 'Sum', period: silence }),
        description: 'Nothing looks for new records of the ledger to sign.',
      },
    });
  }
}
