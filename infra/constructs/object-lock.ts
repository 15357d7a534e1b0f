import { Duration } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { StageConfig } from '../config.ts';

type Lock = StageConfig['checkpointLock'];

/** What each object put into a bucket is locked by; nothing where the stage has no lock. */
export const lockOf = (
  lock: Lock,
): Pick<s3.BucketProps, 'objectLockEnabled' | 'objectLockDefaultRetention'> => {
  if (lock === null) return {};
  const days = Duration.days(365 * lock.years);
  return {
    objectLockEnabled: true,
    objectLockDefaultRetention:
      lock.mode === 'compliance'
        ? s3.ObjectLockRetention.compliance(days)
        : s3.ObjectLockRetention.governance(days),
  };
};

/** What the deployment says of a lock before the first object is put under it. */
export const lockInWords = (lock: Lock, what: string): string => {
  if (lock === null) return `none: ${what} can be deleted by whoever may delete objects of the bucket`;
  const exception =
    lock.mode === 'compliance'
      ? 'nobody can delete one before, the root user of the account included, and the bucket stays as long'
      : 'only who has s3:BypassGovernanceRetention can delete one before';
  return `${lock.mode} mode: each is locked for ${lock.years} years; ${exception}`;
};
