import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { outboundReach, type StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { ownedTable } from './owned-table.ts';

/** The service registry. */
export class Policy extends Construct {
  readonly services: dynamodb.Table;
  readonly routed: RoutedFunction;

  constructor(scope: Construct, id: string, { config, ledger }: { config: StageConfig; ledger: Ledger }) {
    super(scope, id);
    this.services = ownedTable(this, 'Services', config, {
      tableName: 'services',
      partitionKey: { name: 'service', type: dynamodb.AttributeType.STRING },
    });
    const serve = new GovernedFunction(this, 'ServeServices', {
      config,
      slice: 'policy',
      entry: 'serve-services',
      timeoutSeconds: 25,
      environment: {
        SERVICES_TABLE: this.services.tableName,
        LEDGER_WRITER_ARN: ledger.writerArn,
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
}
