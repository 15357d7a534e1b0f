import { Duration } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';

/** What is true of every queue: encrypted, TLS only, and kept as long as SQS keeps anything. */
export const ownedQueue = (
  scope: Construct,
  id: string,
  config: StageConfig,
  props: Omit<sqs.QueueProps, 'queueName'> & { readonly queueName: string },
): sqs.Queue =>
  new sqs.Queue(scope, id, {
    encryption: sqs.QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    ...props,
    queueName: `${config.name}-${props.queueName}`,
  });
