import { Aws, Duration, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { doctorRoutes } from '../../functions/rollout/doctor/routes.ts';
import { outboundReach, type StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { DeploymentAlarms } from './deployment-alarms.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { ownedQueue } from './owned-queue.ts';
import { ownedTable } from './owned-table.ts';
import type { Policy } from './policy.ts';
import type { Releases } from './releases.ts';
import type { Rollout } from './rollout.ts';
import { TargetGrants } from './target-grants.ts';

interface DeploymentsProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
  readonly policy: Policy;
  readonly releases: Releases;
  readonly rollout: Rollout;
}

const EVERY_RESOURCE =
  'X-Ray writes, reads of CloudWatch metrics and alarms, and reads of load balancers and task definitions have no resource to name.';

/** What runs, beside releases: compared with what they left, and looked at before the next one. Moves nothing. */
export class Deployments extends Construct {
  readonly routed: RoutedFunction;
  private readonly props: DeploymentsProps;
  private readonly table: dynamodb.Table;

  constructor(scope: Construct, id: string, props: DeploymentsProps) {
    super(scope, id);
    this.props = props;
    const { config } = props;
    const string = (name: string) => ({ name, type: dynamodb.AttributeType.STRING });
    this.table = ownedTable(this, 'Table', config, {
      tableName: 'deployments',
      partitionKey: string('pk'),
      sortKey: string('sk'),
    });
    const doctor = this.createDoctor();
    const { reconciler, undeliveredReconciliations } = this.createReconciler();
    new TargetGrants(config, {
      inspectors: [doctor],
      watchers: [reconciler],
      preparers: [],
      movers: [],
      retirers: [],
    }).grant();
    this.routed = { routes: doctorRoutes, function: doctor };
    new DeploymentAlarms(this, 'Alarms', { config, undeliveredReconciliations });
  }

  private get environment(): Record<string, string> {
    const { config, policy, releases } = this.props;
    const { lambdaTargets, albRules, ecsServices, appConfigFlags, shifterFunctions, targetRegions } = config;
    return {
      RELEASES_TABLE: releases.table.tableName,
      SERVICES_TABLE: policy.services.tableName,
      DEPLOYMENTS_TABLE: this.table.tableName,
      TARGET_SETTINGS: JSON.stringify({
        lambdaTargets,
        albRules,
        ecsServices,
        appConfigFlags,
        shifterFunctions,
        targetRegions,
      }),
      ...policy.ownershipEnvironment,
    };
  }

  private createReconciler(): { reconciler: GovernedFunction; undeliveredReconciliations: sqs.Queue } {
    const { config, ledger, policy, releases } = this.props;
    const undelivered = ownedQueue(this, 'UndeliveredReconciliations', config, {
      queueName: 'undelivered-reconciliations',
    });
    const reconciler = new GovernedFunction(this, 'ReconcileDeployments', {
      config,
      slice: 'rollout',
      entry: 'reconcile-deployments',
      timeoutSeconds: 120,
      everyResource: EVERY_RESOURCE,
      environment: { ...this.environment, LEDGER_WRITER_ARN: ledger.writerArn },
      deadLetterQueue: undelivered,
    });
    policy.grantList(reconciler);
    policy.grantOwnership(reconciler);
    releases.grantStanding(reconciler);
    ledger.grantAppend(reconciler);
    reconciler.allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [this.table.tableArn]);
    new scheduler.Schedule(this, 'Reconciliation', {
      scheduleName: `${config.name}-reconciliation`,
      description: 'Compares what runs with what was released.',
      schedule: scheduler.ScheduleExpression.rate(Duration.minutes(config.reconcileEveryMinutes)),
      target: new LambdaInvoke(reconciler.live, { deadLetterQueue: undelivered, retryAttempts: 3 }),
    });
    return { reconciler, undeliveredReconciliations: undelivered };
  }

  private createDoctor(): GovernedFunction {
    const { config, policy, releases, rollout } = this.props;
    const roles = rollout.movers.map(({ role }) => role.roleArn);
    const doctor = new GovernedFunction(this, 'ServeDoctor', {
      config,
      slice: 'rollout',
      entry: 'serve-doctor',
      timeoutSeconds: 28,
      everyResource: EVERY_RESOURCE,
      environment: {
        ...this.environment,
        FUNCTION_ARN_PREFIX: `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function`,
        MOVER_ROLES: Stack.of(this).toJsonString(
          Object.fromEntries(rollout.movers.map(({ entry, role }) => [entry, role.roleArn])),
        ),
        METRIC_HOSTS: JSON.stringify(config.prometheusHosts),
        PROBE_HOSTS: JSON.stringify(config.probeHosts),
        OUTBOUND_REACH: outboundReach(config),
      },
    });
    policy.grantRead(doctor);
    policy.grantOwnership(doctor);
    releases.grantStanding(doctor);
    rollout.grantFacts(doctor);
    doctor.allow(['dynamodb:GetItem'], [this.table.tableArn]);
    // Asks what these roles may do; can neither read their policies nor take them on.
    doctor.allow(['iam:SimulatePrincipalPolicy'], roles);
    return doctor;
  }
}
