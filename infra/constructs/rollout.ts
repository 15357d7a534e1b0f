import { Aws } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { rolloutTasks } from '../../functions/rollout/tasks.ts';
import { outboundReach, type StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import type { Releases } from './releases.ts';
import { RolloutAlarms } from './rollout-alarms.ts';

interface RolloutProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
  readonly releases: Releases;
}

/** Why functions of this slice may do something on every resource. */
const EVERY_RESOURCE =
  'X-Ray writes, CloudWatch metric reads and reads of load balancers have no resource to name.';

/** What judges a release and moves its traffic. */
export class Rollout extends Construct {
  readonly tasks: Readonly<Record<keyof typeof rolloutTasks, GovernedFunction>>;
  readonly routed: RoutedFunction;
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
    };
    const command = this.create('ObeyCommand', 'obey-command');
    this.routed = { routes: commandRoutes, function: command };
    const { TakeSnapshot, ShiftTraffic, JudgeHealth, RestoreTraffic, PromoteVersion } = this.tasks;
    for (const mover of [ShiftTraffic, RestoreTraffic, PromoteVersion, command])
      this.grantTargets(mover, ['lambda:GetAlias', 'lambda:UpdateAlias']);
    this.grantTargets(TakeSnapshot, ['lambda:GetAlias', 'lambda:GetFunctionConfiguration']);
    this.grantAlbRules([ShiftTraffic, RestoreTraffic, PromoteVersion, command], TakeSnapshot);
    this.grantShifters([TakeSnapshot, ShiftTraffic, RestoreTraffic, PromoteVersion, command]);
    // CloudWatch has no resources to name for reading metrics.
    for (const reader of [TakeSnapshot, JudgeHealth]) {
      reader.allow(['cloudwatch:GetMetricData'], ['*']);
      this.grantTokens(reader);
      this.grantMetricFunctions(reader);
    }
    for (const late of [JudgeHealth, RestoreTraffic, command]) props.ledger.grantSpool(late);
    new RolloutAlarms(this, 'Alarms', { config: props.config, restorer: RestoreTraffic });
  }

  private create(task: keyof typeof rolloutTasks | 'ObeyCommand', entry: string): GovernedFunction {
    const { config, releases, ledger } = this.props;
    const keptFree = task === 'RestoreTraffic' || task === 'ObeyCommand';
    const made = new GovernedFunction(this, task, {
      config,
      slice: 'rollout',
      entry,
      timeoutSeconds: task === 'ObeyCommand' ? 28 : rolloutTasks[task].functionTimeoutSeconds,
      everyResource: EVERY_RESOURCE,
      reservedConcurrency: keptFree ? config.restoreConcurrency : null,
      environment: {
        ...releases.environment,
        LATE_RECORDS_QUEUE_URL: ledger.lateRecordsQueueUrl,
        LOOK_INTERVAL_SECONDS: String(config.lookIntervalSeconds),
        ...(task === 'TakeSnapshot' && { ALB_RULES: JSON.stringify(config.albRules) }),
        ...((task === 'TakeSnapshot' || task === 'JudgeHealth') && {
          METRIC_HOSTS: JSON.stringify(config.prometheusHosts),
          OUTBOUND_REACH: outboundReach(config),
        }),
        ...(task === 'JudgeHealth' && { PROBE_HOSTS: JSON.stringify(config.probeHosts) }),
      },
    });
    releases.grantState(made);
    return made;
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

  /** Only the parameters that the stage's configuration names; where it names none, none. */
  private grantTokens(reader: GovernedFunction): void {
    const names = this.props.config.prometheusHosts.flatMap(({ tokenParameter }) => tokenParameter ?? []);
    if (names.length === 0) return;
    const arn = `arn:${Aws.PARTITION}:ssm:${Aws.REGION}:${Aws.ACCOUNT_ID}:parameter`;
    reader.allow(
      ['ssm:GetParameter'],
      names.map((name) => `${arn}${name}`),
    );
  }

  /** Only the functions that the stage's configuration names, with their versions and aliases. */
  private grantTargets(mover: GovernedFunction, actions: readonly string[]): void {
    const { lambdaTargets } = this.props.config;
    const arn = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function`;
    mover.allow(
      actions,
      lambdaTargets.flatMap((name) => [`${arn}:${name}`, `${arn}:${name}:*`]),
      { wildcard: "Versions and aliases of the functions that the stage's configuration names as targets." },
    );
  }

  /** Only the functions that the stage's configuration names, by their aliases. */
  private grantShifters(callers: readonly GovernedFunction[]): void {
    const { shifterFunctions } = this.props.config;
    if (shifterFunctions.length === 0) return;
    const arn = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function`;
    for (const caller of callers)
      caller.allow(
        ['lambda:InvokeFunction'],
        shifterFunctions.map((name) => `${arn}:${name}:*`),
        { wildcard: "Aliases of the shifter functions that the stage's configuration names." },
      );
  }

  /** Only the rules and listeners that the stage's configuration names. Reads of a load balancer can't be narrowed. */
  private grantAlbRules(movers: readonly GovernedFunction[], inspector: GovernedFunction): void {
    const { albRules } = this.props.config;
    if (albRules.length === 0) return;
    const listeners = albRules.filter((arn) => arn.includes(':listener/'));
    const rules = albRules.filter((arn) => !listeners.includes(arn));
    const reads = ['DescribeRules', 'DescribeListeners'].map((action) => `elasticloadbalancing:${action}`);
    for (const mover of movers) {
      mover.allow(reads, ['*']);
      if (rules.length > 0) mover.allow(['elasticloadbalancing:ModifyRule'], rules);
      if (listeners.length > 0) mover.allow(['elasticloadbalancing:ModifyListener'], listeners);
    }
    const health = ['DescribeTargetHealth', 'DescribeTargetGroupAttributes'];
    inspector.allow([...reads, ...health.map((action) => `elasticloadbalancing:${action}`)], ['*']);
  }
}
