import { Aws } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { policyTasks } from '../../functions/policy/tasks.ts';
import { outboundReach, type StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { ownedTable } from './owned-table.ts';

/** The service registry. */
export class Policy extends Construct {
  readonly services: dynamodb.Table;
  readonly routed: RoutedFunction;
  private readonly checker: GovernedFunction;

  constructor(scope: Construct, id: string, { config, ledger }: { config: StageConfig; ledger: Ledger }) {
    super(scope, id);
    this.services = ownedTable(this, 'Services', config, {
      tableName: 'services',
      partitionKey: { name: 'service', type: dynamodb.AttributeType.STRING },
    });
    this.checker = this.createChecker(config);
    const serve = new GovernedFunction(this, 'ServeServices', {
      config,
      slice: 'policy',
      entry: 'serve-services',
      timeoutSeconds: 25,
      environment: {
        SERVICES_TABLE: this.services.tableName,
        LEDGER_WRITER_ARN: ledger.writerArn,
        ...this.ownershipEnvironment,
        METRIC_PERIOD_SECONDS_MIN: String(config.metricPeriodSecondsMin),
        PROBE_HOSTS: JSON.stringify(config.probeHosts),
        METRIC_FUNCTIONS: JSON.stringify(config.metricFunctions),
        METRIC_HOSTS: JSON.stringify(config.prometheusHosts),
        HOOK_HOSTS: JSON.stringify(config.hookHosts),
        HOOK_FUNCTIONS: JSON.stringify(config.hookFunctions),
        OUTBOUND_REACH: outboundReach(config),
        TARGET_REGIONS: JSON.stringify(config.targetRegions),
      },
    });
    serve.allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Scan'], [this.services.tableArn]);
    ledger.grantAppend(serve);
    this.grantOwnership(serve);
    this.routed = { routes: serviceRoutes, function: serve };
  }

  /** All of them, a page at a time. */
  grantList(reader: GovernedFunction): void {
    reader.allow(['dynamodb:Scan'], [this.services.tableArn]);
  }

  /** One service's definition. */
  grantRead(reader: GovernedFunction): void {
    reader.allow(['dynamodb:GetItem'], [this.services.tableArn]);
  }

  /** The environment of whoever asks which stack owns a target. */
  get ownershipEnvironment(): Record<string, string> {
    return { CHECK_OWNERSHIP_ARN: this.checker.live.functionArn };
  }

  /** Asking which stack owns a target, of the one function that may look. */
  grantOwnership(user: GovernedFunction): void {
    this.checker.grantCalls(user);
  }

  /** The one role that may read templates: they are other teams' own, and hold more than the answer. */
  private createChecker(config: StageConfig): GovernedFunction {
    const checker = new GovernedFunction(this, 'CheckOwnership', {
      config,
      slice: 'policy',
      entry: 'check-ownership',
      timeoutSeconds: policyTasks.CheckOwnership.functionTimeoutSeconds,
      everyResource: 'X-Ray writes, and looking for the stack of a resource, have no resource to name.',
      environment: {
        FUNCTION_ARN_PREFIX: `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function`,
      },
    });
    // Which stack has a resource is asked by the resource's id alone: the stack is the answer.
    checker.allow(['cloudformation:DescribeStackResources'], ['*']);
    checker.allow(
      ['cloudformation:GetTemplate'],
      [Aws.REGION, ...config.targetRegions].map(
        (region) => `arn:${Aws.PARTITION}:cloudformation:${region}:${Aws.ACCOUNT_ID}:stack/*`,
      ),
      { wildcard: 'Any stack of the account may have a target among its resources.' },
    );
    return checker;
  }
}
