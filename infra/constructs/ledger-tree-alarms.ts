import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { ownedAlarms, waitingIn } from './owned-alarms.ts';

interface LedgerTreeAlarmsProps {
  readonly config: StageConfig;
  readonly missedSeals: sqs.Queue;
  readonly missedChecks: sqs.Queue;
}

/** What must not be overlooked about the ledger's proofs. Each name has a section in docs/runbook.md. */
export class LedgerTreeAlarms extends Construct {
  constructor(scope: Construct, id: string, { config, missedSeals, missedChecks }: LedgerTreeAlarmsProps) {
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
  }
}
