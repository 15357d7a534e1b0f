import { Aws, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';

/**
 * What is true of every bucket: private, encrypted, TLS only, with versions, so that nothing is overwritten unseen; its
 * name is unique in the world and told by the stack's. Kept where data counts.
 */
export const ownedBucket = (
  scope: Construct,
  id: string,
  config: StageConfig,
  props: Omit<s3.BucketProps, 'bucketName'> & { readonly bucketName: string },
): s3.Bucket => {
  const bucket = new s3.Bucket(scope, id, {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    encryption: s3.BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    ...props,
    bucketName: `${config.name}-${props.bucketName}-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: "Who reads and writes is told by the account's CloudTrail data events, where it records them.",
  });
  return bucket;
};
