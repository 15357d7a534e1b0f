import type { CfnResource } from 'aws-cdk-lib';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { GovernedFunction } from './governed-function.ts';
import { explainWildcard } from './wildcard.ts';

/** Lets `user` do this to the bucket's objects of a pattern, whose names are made at run time. */
export const allowObjects = (
  user: GovernedFunction,
  actions: readonly `s3:${string}`[],
  bucket: s3.Bucket,
  pattern: string,
  reason: string,
): void => {
  user.allow(actions, [bucket.arnForObjects(pattern)]);
  const id = bucket.stack.getLogicalId(bucket.node.defaultChild as CfnResource);
  explainWildcard(user, `<${id}.Arn>/${pattern}`, reason);
};
