import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';

/** What is true of every table: on demand, encrypted, restorable to any second, and hard to delete where data counts. */
export const ownedTable = (
  scope: Construct,
  id: string,
  config: StageConfig,
  props: Omit<dynamodb.TableProps, 'tableName'> & { readonly tableName: string },
): dynamodb.Table =>
  new dynamodb.Table(scope, id, {
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption: dynamodb.TableEncryption.AWS_MANAGED,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: config.retainData,
    removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    ...props,
    tableName: `${config.name}-${props.tableName}`,
  });
