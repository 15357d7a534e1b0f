import { Aws } from 'aws-cdk-lib';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';

/** What a function does with a target. */
export interface TargetUsers {
  /** Looks whether a release may begin. */
  readonly inspectors: readonly GovernedFunction[];
  /** Move traffic forward, and put the next version where it is to run. */
  readonly preparers: readonly GovernedFunction[];
  /** Whatever else moves traffic; back to a version that was given up, they ask for its tasks. */
  readonly movers: readonly GovernedFunction[];
  /** Reads where traffic goes, and moves none. */
  readonly watchers: readonly GovernedFunction[];
  /** Gives back what the new version no longer needs; reads where traffic goes and moves none. */
  readonly retirers: readonly GovernedFunction[];
}

const named = (service: string, ...actions: readonly string[]): readonly string[] =>
  actions.map((action) => `${service}:${action}`);

/**
 * The rights to targets, and no others: each setting of the stage's configuration names what may be moved, in the
 * stack's own region and those that it adds. One class, so that what Sluice may do to others can be read in one place.
 */
export class TargetGrants {
  private readonly config: StageConfig;
  private readonly users: TargetUsers;

  constructor(config: StageConfig, users: TargetUsers) {
    this.config = config;
    this.users = users;
  }

  grant(): void {
    this.grantAliases();
    this.grantShifterFunctions();
    this.grantAlbRules();
    this.grantEcsServices();
    this.grantFlags();
  }

  private get everyMover(): readonly GovernedFunction[] {
    return [...this.users.preparers, ...this.users.movers];
  }

  /** In every region that targets may be in. */
  private arns(service: string, resources: readonly string[]): readonly string[] {
    return [Aws.REGION, ...this.config.targetRegions].flatMap((region) =>
      resources.map((resource) => `arn:${Aws.PARTITION}:${service}:${region}:${Aws.ACCOUNT_ID}:${resource}`),
    );
  }

  /** Only the functions that the stage's configuration names, with their versions and aliases. */
  private grantAliases(): void {
    const functions = this.arns(
      'lambda',
      this.config.lambdaTargets.flatMap((name) => [`function:${name}`, `function:${name}:*`]),
    );
    const wildcard = "Versions and aliases of the functions that the stage's configuration names as targets.";
    for (const mover of this.everyMover)
      mover.allow(named('lambda', 'GetAlias', 'UpdateAlias'), functions, { wildcard });
    const looks = named('lambda', 'GetAlias', 'GetFunctionConfiguration', 'GetProvisionedConcurrencyConfig');
    for (const inspector of this.users.inspectors) inspector.allow(looks, functions, { wildcard });
    for (const watcher of this.users.watchers)
      watcher.allow(named('lambda', 'GetAlias'), functions, { wildcard });
  }

  /** Only the functions that the stage's configuration names, by their aliases. */
  private grantShifterFunctions(): void {
    const { shifterFunctions } = this.config;
    if (shifterFunctions.length === 0) return;
    const aliases = this.arns(
      'lambda',
      shifterFunctions.map((name) => `function:${name}:*`),
    );
    for (const caller of [...this.users.inspectors, ...this.users.watchers, ...this.everyMover])
      caller.allow(['lambda:InvokeFunction'], aliases, {
        wildcard: "Aliases of the shifter functions that the stage's configuration names.",
      });
  }

  /** Only the rules and listeners that the stage's configuration names. Reads of a load balancer can't be narrowed. */
  private grantAlbRules(): void {
    const { albRules } = this.config;
    if (albRules.length === 0) return;
    const listeners = albRules.filter((arn) => arn.includes(':listener/'));
    const rules = albRules.filter((arn) => !listeners.includes(arn));
    const balancing = (...actions: readonly string[]) => named('elasticloadbalancing', ...actions);
    const reads = balancing('DescribeRules', 'DescribeListeners');
    for (const mover of this.everyMover) {
      mover.allow(reads, ['*']);
      if (rules.length > 0) mover.allow(balancing('ModifyRule'), rules);
      if (listeners.length > 0) mover.allow(balancing('ModifyListener'), listeners);
    }
    for (const watcher of this.users.watchers) watcher.allow(reads, ['*']);
    for (const inspector of this.users.inspectors)
      inspector.allow(
        [...reads, ...balancing('DescribeTargetHealth', 'DescribeTargetGroupAttributes')],
        ['*'],
      );
  }

  /**
   * Only the services that the stage's configuration names. Task definitions can't be narrowed: what a new one may run
   * as is, by the roles that may be handed on.
   */
  private grantEcsServices(): void {
    const { ecsServices, ecsTaskRoles } = this.config;
    if (ecsServices.length === 0) return;
    const services = this.arns(
      'ecs',
      ecsServices.map((name) => `service/${name}`),
    );
    const { inspectors, preparers, watchers, retirers } = this.users;
    for (const reader of [...inspectors, ...watchers, ...this.everyMover, ...retirers]) {
      reader.allow(named('ecs', 'DescribeServices'), services);
      reader.allow(named('ecs', 'DescribeTaskDefinition'), ['*']);
    }
    for (const updater of [...this.everyMover, ...retirers])
      updater.allow(named('ecs', 'UpdateService'), services);
    for (const retirer of retirers)
      retirer.allow(named('elasticloadbalancing', 'DescribeRules', 'DescribeListeners'), ['*']);
    for (const preparer of preparers) {
      preparer.allow(
        [...named('ecs', 'RegisterTaskDefinition'), 'elasticloadbalancing:DescribeTargetHealth'],
        ['*'],
      );
      if (ecsTaskRoles.length > 0)
        preparer.allow(['iam:PassRole'], ecsTaskRoles, {
          conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
        });
    }
  }

  /** Only the environments and profiles that the stage's configuration names. */
  private grantFlags(): void {
    const { appConfigFlags } = this.config;
    if (appConfigFlags.length === 0) return;
    const parts = appConfigFlags.map((flag) => flag.split('/'));
    const read = this.arns(
      'appconfig',
      parts.flatMap(([app, environment, profile]) => [
        `application/${app}`,
        `application/${app}/environment/${environment}`,
        `application/${app}/environment/${environment}/deployment/*`,
        `application/${app}/configurationprofile/${profile}`,
        `application/${app}/configurationprofile/${profile}/hostedconfigurationversion/*`,
      ]),
    );
    const strategies = this.arns('appconfig', ['deploymentstrategy/*']);
    const wildcard =
      'Deployments and versions of what the configuration names; a strategy is part of the target, and inspected.';
    const reads = named('appconfig', 'ListDeployments', 'GetDeployment', 'GetHostedConfigurationVersion');
    const writes = named(
      'appconfig',
      'CreateHostedConfigurationVersion',
      'StartDeployment',
      'StopDeployment',
    );
    for (const mover of this.everyMover)
      mover.allow([...reads, ...writes], [...read, ...strategies], { wildcard });
    for (const watcher of this.users.watchers) watcher.allow(reads, read, { wildcard });
    for (const inspector of this.users.inspectors)
      inspector.allow(
        [...reads, ...named('appconfig', 'GetConfigurationProfile', 'GetDeploymentStrategy')],
        [...read, ...strategies],
        { wildcard },
      );
  }
}
