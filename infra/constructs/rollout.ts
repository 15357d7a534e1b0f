import { Aws } from 'aws-cdk-lib';
import type * as events from 'aws-cdk-lib/aws-events';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { rolloutTasks } from '../../functions/rollout/tasks.ts';
import { outboundReach, type StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { CommandEvents } from './command-events.ts';
import type { Flags } from './flags.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { ownedQueue } from './owned-queue.ts';
import type { Releases } from './releases.ts';
import { RolloutAlarms } from './rollout-alarms.ts';
import { TargetGrants } from './target-grants.ts';

/** The functions that bring traffic back because somebody or something says so, and no workflow. */
type Door = 'ObeyCommand' | 'TakeCommand' | 'HeedAlarm';

interface RolloutProps {
  readonly config: StageConfig;
  readonly bus: events.EventBus;
  readonly flags: Flags;
  readonly ledger: Ledger;
  readonly releases: Releases;
}

/** Why functions of this slice may do something on every resource. */
const EVERY_RESOURCE =
  'X-Ray writes, CloudWatch reads of metrics and of any alarm, reads of load balancers and task definitions have no resource to name.';

const rescuePrefix = ({ name }: StageConfig): string => `/${name}/rescue`;

/** What judges a release and moves its traffic. */
export class Rollout extends Construct {
  readonly tasks: Readonly<Record<keyof typeof rolloutTasks, GovernedFunction>>;
  readonly routed: RoutedFunction;
  /** Everyone who writes to targets. */
  readonly movers: readonly GovernedFunction[];
  private readonly props: RolloutProps;

  constructor(scope: Construct, id: string, props: RolloutProps) {
    super(scope, id);
    this.props = props;
    this.tasks = {
      TakeSnapshot: this.create('TakeSnapshot', 'take-snapshot'),
      ShiftTraffic: this.create('ShiftTraffic', 'shift-traffic'),
      JudgeHealth: this.create('JudgeHealth', 'judge-health'),
      RestoreTraffic: this.create('RestoreTraffic', 'restore-traffic'),
      PromoteVersion: this.create('PromoteVersion', 'promote-version'),
      RetireTargets: this.create('RetireTargets', 'retire-targets'),
      RunHooks: this.create('RunHooks', 'run-hooks'),
    };
    const undelivered = ownedQueue(this, 'UndeliveredCommands', props.config, {
      queueName: 'undelivered-commands',
    });
    const command = this.create('ObeyCommand', 'obey-command');
    const takeCommand = this.create('TakeCommand', 'take-command', undelivered);
    const heedAlarm = this.create('HeedAlarm', 'heed-alarm', undelivered);
    const doors = [command, takeCommand, heedAlarm];
    this.routed = { routes: commandRoutes, function: command };
    const {
      TakeSnapshot,
      ShiftTraffic,
      JudgeHealth,
      RestoreTraffic,
      PromoteVersion,
      RetireTargets,
      RunHooks,
    } = this.tasks;
    new TargetGrants(props.config, {
      inspectors: [TakeSnapshot],
      // A rollback has no steps: what it promotes is prepared by who promotes it.
      preparers: [ShiftTraffic, PromoteVersion],
      movers: [RestoreTraffic, ...doors],
      // Each look reads where traffic goes: somebody else may have moved it.
      watchers: [JudgeHealth],
      retirers: [RetireTargets],
    }).grant();
    for (const asker of [RunHooks, JudgeHealth]) this.grantHooks(asker);
    this.movers = [ShiftTraffic, RestoreTraffic, PromoteVersion, RetireTargets, ...doors];
    for (const reader of [TakeSnapshot, JudgeHealth]) this.grantFacts(reader);
    for (const reader of [JudgeHealth, heedAlarm]) props.flags.grantRead(reader);
    for (const late of [JudgeHealth, RestoreTraffic, ...doors]) props.ledger.grantSpool(late);
    this.grantRescue(TakeSnapshot, [command, takeCommand]);
    for (const retrying of [command, takeCommand]) props.releases.grantRequest(retrying);
    for (const listing of [command, heedAlarm]) props.releases.grantOpen(listing);
    takeCommand.allow(['sqs:SendMessage'], [props.releases.refusedRequests.queueArn]);
    const { config, bus } = props;
    new CommandEvents(this, 'Events', { config, bus, takeCommand, heedAlarm, undelivered });
    new RolloutAlarms(this, 'Alarms', { config, restorer: RestoreTraffic, retirer: RetireTargets });
  }

  private create(
    task: keyof typeof rolloutTasks | Door,
    entry: string,
    deadLetterQueue?: IQueue,
  ): GovernedFunction {
    const { config, flags, releases, ledger } = this.props;
    const isDoor = task === 'ObeyCommand' || task === 'TakeCommand' || task === 'HeedAlarm';
    const made = new GovernedFunction(this, task, {
      config,
      slice: 'rollout',
      entry,
      timeoutSeconds: isDoor ? 28 : rolloutTasks[task].functionTimeoutSeconds,
      everyResource: EVERY_RESOURCE,
      reservedConcurrency: isDoor || task === 'RestoreTraffic' ? config.restoreConcurrency : null,
      ...(deadLetterQueue && { deadLetterQueue }),
      environment: {
        ...releases.environment,
        LATE_RECORDS_QUEUE_URL: ledger.lateRecordsQueueUrl,
        LOOK_INTERVAL_SECONDS: String(config.lookIntervalSeconds),
        ...((task === 'RunHooks' || task === 'JudgeHealth') && {
          HOOK_HOSTS: JSON.stringify(config.hookHosts),
          OUTBOUND_REACH: outboundReach(config),
        }),
        ...((task === 'TakeSnapshot' || task === 'ObeyCommand' || task === 'TakeCommand') && {
          RESCUE_PREFIX: rescuePrefix(config),
        }),
        ...(task === 'TakeSnapshot' && {
          ALB_RULES: JSON.stringify(config.albRules),
          ECS_SERVICES: JSON.stringify(config.ecsServices),
          APPCONFIG_FLAGS: JSON.stringify(config.appConfigFlags),
          TARGET_REGIONS: JSON.stringify(config.targetRegions),
        }),
        ...((task === 'TakeSnapshot' || task === 'JudgeHealth') && {
          METRIC_HOSTS: JSON.stringify(config.prometheusHosts),
          OUTBOUND_REACH: outboundReach(config),
        }),
        ...((task === 'ObeyCommand' || task === 'TakeCommand') && releases.requestEnvironment),
        ...(task === 'TakeCommand' && { REFUSED_QUEUE_URL: releases.refusedRequests.queueUrl }),
        ...(task === 'JudgeHealth' && { PROBE_HOSTS: JSON.stringify(config.probeHosts) }),
        ...((task === 'JudgeHealth' || task === 'HeedAlarm') && flags.environment),
      },
    });
    if (task === 'RetireTargets' || task === 'RunHooks') {
      releases.grantRead(made);
      ledger.grantAppend(made);
    } else releases.grantState(made);
    return made;
  }

  /** Copies of what stable is: written before anything moves, read by an abort that can't read the state. */
  private grantRescue(keeper: GovernedFunction, readers: readonly GovernedFunction[]): void {
    const prefix = rescuePrefix(this.props.config);
    const { targetRegions } = this.props.config;
    const arnIn = (region: string) =>
      `arn:${Aws.PARTITION}:ssm:${region}:${Aws.ACCOUNT_ID}:parameter${prefix}`;
    const arn = arnIn(Aws.REGION);
    const wildcard = 'One copy for each service and environment, whose names are made at run time.';
    keeper.allow(
      ['ssm:PutParameter'],
      [Aws.REGION, ...targetRegions].map((region) => `${arnIn(region)}/*`),
      { wildcard },
    );
    for (const reader of readers) reader.allow(['ssm:GetParametersByPath'], [arn, `${arn}/*`], { wildcard });
  }

  /** Reading what a release is judged by. CloudWatch has no resources to name for metrics. */
  grantFacts(reader: GovernedFunction): void {
    // Composite alarms are told only to who may ask for all (CloudWatch API Reference, DescribeAlarms).
    reader.allow(['cloudwatch:GetMetricData', 'cloudwatch:DescribeAlarms'], ['*']);
    this.grantTokens(reader, this.props.config.prometheusHosts);
    this.grantMetricFunctions(reader);
  }

  /** Only the functions that the stage's configuration names as keepers of counts. */
  private grantMetricFunctions(reader: GovernedFunction): void {
    const { metricFunctions } = this.props.config;
    if (metricFunctions.length === 0) return;
    const arn = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function`;
    reader.allow(
      ['lambda:InvokeFunction'],
      metricFunctions.map((name) => `${arn}:${name}`),
    );
  }

  /** Only the functions that the stage's configuration names as hooks, by their aliases, and the tokens of its servers. */
  private grantHooks(asker: GovernedFunction): void {
    const { hookFunctions, hookHosts } = this.props.config;
    this.grantTokens(asker, hookHosts);
    if (hookFunctions.length === 0) return;
    const arn = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function`;
    asker.allow(
      ['lambda:InvokeFunction'],
      hookFunctions.map((name) => `${arn}:${name}:*`),
      { wildcard: "Aliases of the hook functions that the stage's configuration names." },
    );
  }

  /** Only the parameters that the stage's configuration names; where it names none, none. */
  private grantTokens(reader: GovernedFunction, hosts: StageConfig['prometheusHosts']): void {
    const names = hosts.flatMap(({ tokenParameter }) => tokenParameter ?? []);
    if (names.length === 0) return;
    const arn = `arn:${Aws.PARTITION}:ssm:${Aws.REGION}:${Aws.ACCOUNT_ID}:parameter`;
    reader.allow(
      ['ssm:GetParameter'],
      names.map((name) => `${arn}${name}`),
    );
  }
}
