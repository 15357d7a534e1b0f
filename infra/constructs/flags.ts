import { Aws, type CfnResource, Duration } from 'aws-cdk-lib';
import * as appconfig from 'aws-cdk-lib/aws-appconfig';
import { Construct } from 'constructs';
import { METRIC } from '../../functions/platform/metric-names.ts';
import {
  flagsDocument,
  NOBODY_CHANGED_ANY,
  STACK_LABEL,
} from '../../functions/policy/flags-document-schema.ts';
import { flagRoutes } from '../../functions/policy/routes.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { countedBy, ownedAlarms } from './owned-alarms.ts';
import { explainWildcard } from './wildcard.ts';

interface FlagsProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
}

const idOf = (resource: CfnResource): string => resource.stack.getLogicalId(resource);

/** The kill switches: feature flags in AppConfig, and the API that changes them. */
export class Flags extends Construct {
  readonly routed: RoutedFunction;
  /** What `switchesEnvironment` reads. */
  readonly environment: Readonly<Record<string, string>>;
  private readonly application: appconfig.CfnApplication;
  private readonly place: appconfig.CfnEnvironment;
  private readonly profile: appconfig.CfnConfigurationProfile;
  private readonly strategy: appconfig.CfnDeploymentStrategy;

  constructor(scope: Construct, id: string, { config, ledger }: FlagsProps) {
    super(scope, id);
    this.application = new appconfig.CfnApplication(this, 'Application', {
      name: config.name,
      description: 'Sluice: what people may switch off.',
    });
    // An environment of their own: AppConfig deploys one thing at a time in each.
    this.place = new appconfig.CfnEnvironment(this, 'Place', {
      applicationId: this.application.ref,
      name: 'kill-switches',
    });
    this.profile = new appconfig.CfnConfigurationProfile(this, 'Profile', {
      applicationId: this.application.ref,
      name: 'kill-switches',
      locationUri: 'hosted',
      type: 'AWS.AppConfig.FeatureFlags',
    });
    this.strategy = new appconfig.CfnDeploymentStrategy(this, 'AtOnce', {
      name: `${config.name}-at-once`,
      description: 'Everywhere at once, without a bake: a switch is for now.',
      deploymentDurationInMinutes: 0,
      finalBakeTimeInMinutes: 0,
      growthFactor: 100,
      replicateTo: 'NONE',
    });
    this.deployFirst();
    this.environment = {
      FLAGS_APPLICATION: this.application.ref,
      FLAGS_ENVIRONMENT: this.place.ref,
      FLAGS_PROFILE: this.profile.ref,
      FLAGS_KEPT_SECONDS: String(config.flagsKeptSeconds),
    };
    this.routed = { routes: flagRoutes, function: this.serve(config, ledger) };
    ownedAlarms(this, config, {
      AutoRollbackOff: {
        metric: countedBy('serve-flags', METRIC.autoRollbackOff, Duration.minutes(1)),
        threshold: 1,
        description: 'Automatic rollback is switched off in production.',
      },
    });
  }

  /** Reads the switches; with `environment`, all that a function needs for it. */
  grantRead(reader: GovernedFunction): void {
    reader.allow(
      ['appconfig:StartConfigurationSession', 'appconfig:GetLatestConfiguration'],
      [`${this.arn()}/environment/${this.place.ref}/configuration/${this.profile.ref}`],
    );
  }

  private arn(): string {
    return `arn:${Aws.PARTITION}:appconfig:${Aws.REGION}:${Aws.ACCOUNT_ID}:application/${this.application.ref}`;
  }

  /**
   * Everything on. If this content ever changed, the next `cdk deploy` would deploy it over what people have switched
   * off; so a switch that comes later is not added here: one that is not there is on.
   */
  private deployFirst(): void {
    const first = new appconfig.CfnHostedConfigurationVersion(this, 'First', {
      applicationId: this.application.ref,
      configurationProfileId: this.profile.ref,
      contentType: 'application/json',
      content: JSON.stringify(flagsDocument(NOBODY_CHANGED_ANY)),
      versionLabel: STACK_LABEL,
    });
    new appconfig.CfnDeployment(this, 'FirstDeployment', {
      applicationId: this.application.ref,
      environmentId: this.place.ref,
      configurationProfileId: this.profile.ref,
      configurationVersion: first.ref,
      deploymentStrategyId: this.strategy.ref,
    });
  }

  private serve(config: StageConfig, ledger: Ledger): GovernedFunction {
    const serve = new GovernedFunction(this, 'ServeFlags', {
      config,
      slice: 'policy',
      entry: 'serve-flags',
      timeoutSeconds: 28,
      environment: {
        ...this.environment,
        FLAGS_STRATEGY: this.strategy.ref,
        LEDGER_WRITER_ARN: ledger.writerArn,
      },
    });
    ledger.grantAppend(serve);
    const application = this.arn();
    const profile = `${application}/configurationprofile/${this.profile.ref}`;
    const place = `${application}/environment/${this.place.ref}`;
    const strategy = `arn:${Aws.PARTITION}:appconfig:${Aws.REGION}:${Aws.ACCOUNT_ID}:deploymentstrategy/${this.strategy.ref}`;
    serve.allow(
      ['appconfig:ListHostedConfigurationVersions', 'appconfig:CreateHostedConfigurationVersion'],
      [application, profile],
    );
    serve.allow(
      ['appconfig:GetHostedConfigurationVersion'],
      [application, profile, `${profile}/hostedconfigurationversion/*`],
    );
    serve.allow(['appconfig:ListDeployments'], [application, place]);
    serve.allow(
      ['appconfig:StartDeployment', 'appconfig:StopDeployment'],
      [application, profile, place, strategy, `${place}/deployment/*`],
    );
    const named = `arn:${Aws.PARTITION}:appconfig:${Aws.REGION}:${Aws.ACCOUNT_ID}:application/<${idOf(this.application)}>`;
    for (const resource of [
      `${named}/configurationprofile/<${idOf(this.profile)}>/hostedconfigurationversion/*`,
      `${named}/environment/<${idOf(this.place)}>/deployment/*`,
    ])
      explainWildcard(
        serve,
        resource,
        'Versions and deployments of the flags have numbers given by AppConfig.',
      );
    return serve;
  }
}
