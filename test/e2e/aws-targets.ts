import { randomBytes } from 'node:crypto';
import {
  AppConfigClient,
  CreateApplicationCommand,
  CreateConfigurationProfileCommand,
  CreateDeploymentStrategyCommand,
  CreateEnvironmentCommand,
  CreateHostedConfigurationVersionCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import type { AppConfigTarget } from '#policy/appconfig-target-schema.ts';
import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/credentials.ts';

const settingsOf = (endpoint: string) => ({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
const unique = (): string => randomBytes(4).toString('hex');
const required = (value: string | undefined): string => {
  if (value === undefined) throw new Error('the local AWS made something and did not say what it is called');
  return value;
};

/** A load balancer with a rule that sends everything to the first group, and one for testers. */
const createRoute = async (client: ElasticLoadBalancingV2Client, groups: readonly string[]) => {
  const name = `shop-${unique()}`;
  const { LoadBalancers } = await client.send(
    new CreateLoadBalancerCommand({ Name: name, Subnets: ['subnet-1', 'subnet-2'] }),
  );
  const LoadBalancerArn = required(LoadBalancers?.[0]?.LoadBalancerArn);
  const targetGroups: Record<string, string> = {};
  for (const group of groups) {
    const made = await client.send(
      new CreateTargetGroupCommand({
        Name: `${name}-${group}`,
        Protocol: 'HTTP',
        Port: 80,
        VpcId: 'vpc-1',
        TargetType: 'ip',
      }),
    );
    targetGroups[group] = required(made.TargetGroups?.[0]?.TargetGroupArn);
  }
  const all = Object.values(targetGroups).map((TargetGroupArn, index) => ({
    TargetGroupArn,
    Weight: index === 0 ? 100 : 0,
  }));
  const { Listeners } = await client.send(
    new CreateListenerCommand({
      LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
    }),
  );
  const createRule = async (Priority: number, path: string, TargetGroups: typeof all): Promise<string> => {
    const { Rules } = await client.send(
      new CreateRuleCommand({
        ListenerArn: required(Listeners?.[0]?.ListenerArn),
        Priority,
        Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: [path] } }],
        Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }],
      }),
    );
    return required(Rules?.[0]?.RuleArn);
  };
  return {
    ruleArn: await createRule(2, '/*', all),
    testerRuleArn: await createRule(1, '/testers/*', all.slice(0, 1)),
    targetGroups,
  };
};

/** Target groups blue (with all traffic), green and amber, each with a target, behind a rule of a load balancer. */
export const createAlbTarget = async (endpoint: string): Promise<AlbTarget> => {
  const client = new ElasticLoadBalancingV2Client(settingsOf(endpoint));
  const route = await createRoute(client, ['blue', 'green', 'amber']);
  for (const TargetGroupArn of Object.values(route.targetGroups))
    await client.send(
      new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '10.0.0.1', Port: 80 }] }),
    );
  client.destroy();
  return { kind: 'alb', ...route };
};

/** Services blue (with all traffic, running `image`) and green in a cluster, behind a rule of a load balancer. */
export const createEcsTarget = async (endpoint: string, image: string): Promise<EcsTarget> => {
  const balancers = new ElasticLoadBalancingV2Client(settingsOf(endpoint));
  const ecs = new ECSClient(settingsOf(endpoint));
  const { ruleArn, testerRuleArn, targetGroups } = await createRoute(balancers, ['blue', 'green']);
  const cluster = `shop-${unique()}`;
  await ecs.send(new CreateClusterCommand({ clusterName: cluster }));
  const { taskDefinition } = await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: cluster,
      networkMode: 'awsvpc',
      containerDefinitions: [{ name: 'app', image, portMappings: [{ containerPort: 8080 }] }],
    }),
  );
  const services: EcsTarget['services'] = {};
  for (const [name, targetGroupArn] of Object.entries(targetGroups)) {
    const serviceName = `${cluster}-${name}`;
    await ecs.send(
      new CreateServiceCommand({
        cluster,
        serviceName,
        taskDefinition: required(taskDefinition?.taskDefinitionArn),
        desiredCount: name === 'blue' ? 2 : 0,
        loadBalancers: [{ targetGroupArn, containerName: 'app', containerPort: 8080 }],
      }),
    );
    // The local AWS runs no tasks that could be registered: these stand for them.
    await balancers.send(
      new RegisterTargetsCommand({
        TargetGroupArn: targetGroupArn,
        Targets: ['10.0.0.1', '10.0.0.2'].map((Id) => ({ Id, Port: 8080 })),
      }),
    );
    services[name] = { service: serviceName, targetGroupArn };
  }
  ecs.destroy();
  balancers.destroy();
  return { kind: 'ecs', ruleArn, testerRuleArn, cluster, services, container: 'app', idleTasks: 0 };
};

/** A flag of which everyone has variant `old`; `new` and `next` are there. */
export const createFlagTarget = async (endpoint: string): Promise<AppConfigTarget> => {
  const client = new AppConfigClient(settingsOf(endpoint));
  const { Id: ApplicationId } = await client.send(new CreateApplicationCommand({ Name: `shop-${unique()}` }));
  const { Id: EnvironmentId } = await client.send(
    new CreateEnvironmentCommand({ ApplicationId, Name: 'production' }),
  );
  const { Id: ConfigurationProfileId } = await client.send(
    new CreateConfigurationProfileCommand({
      ApplicationId,
      Name: 'flags',
      LocationUri: 'hosted',
      Type: 'AWS.AppConfig.FeatureFlags',
    }),
  );
  const { Id: DeploymentStrategyId } = await client.send(
    new CreateDeploymentStrategyCommand({
      Name: `at-once-${unique()}`,
      DeploymentDurationInMinutes: 0,
      FinalBakeTimeInMinutes: 0,
      GrowthFactor: 100,
      ReplicateTo: 'NONE',
    }),
  );
  const variants = ['new', 'next'].map((name) => ({
    name,
    enabled: true,
    rule: '(split by::$userId pct::0)',
  }));
  const { VersionNumber } = await client.send(
    new CreateHostedConfigurationVersionCommand({
      ApplicationId,
      ConfigurationProfileId,
      ContentType: 'application/json',
      Content: Buffer.from(
        JSON.stringify({
          version: '1',
          flags: { checkout: { name: 'Checkout' } },
          values: { checkout: { _variants: [...variants, { name: 'old', enabled: false }] } },
        }),
      ),
    }),
  );
  await client.send(
    new StartDeploymentCommand({
      ApplicationId,
      EnvironmentId,
      ConfigurationProfileId,
      DeploymentStrategyId,
      ConfigurationVersion: String(VersionNumber),
    }),
  );
  client.destroy();
  return {
    kind: 'appconfig-flag',
    applicationId: required(ApplicationId),
    environmentId: required(EnvironmentId),
    profileId: required(ConfigurationProfileId),
    flag: 'checkout',
    splitBy: 'userId',
    deploymentStrategyId: required(DeploymentStrategyId),
  };
};

/** What the image that is stable on the ECS target is called. */
export const RUNNING_DIGEST = `sha256:${'a'.repeat(64)}`;

/** Where the stack is not, and may move targets all the same. */
export const OTHER_REGION = 'eu-west-1';

/** Targets that the deployed stack may move: they are there before it, because their names are part of its rights. */
export interface ReleasableTargets {
  readonly alb: AlbTarget;
  readonly ecs: EcsTarget;
  readonly flag: AppConfigTarget;
}

export const createReleasableTargets = async (endpoint: string): Promise<ReleasableTargets> => ({
  alb: await createAlbTarget(endpoint),
  ecs: await createEcsTarget(endpoint, `shop@${RUNNING_DIGEST}`),
  flag: await createFlagTarget(endpoint),
});

/** The settings of a stage that lets Sluice move these, and nothing else. */
export const permissionsFor = ({ alb, ecs, flag }: ReleasableTargets): Readonly<Record<string, unknown>> => ({
  albRules: [alb, ecs].flatMap(({ ruleArn, testerRuleArn }) => [ruleArn, testerRuleArn]),
  ecsServices: Object.values(ecs.services).map(({ service }) => `${ecs.cluster}/${service}`),
  appConfigFlags: [[flag.applicationId, flag.environmentId, flag.profileId].join('/')],
  targetRegions: [OTHER_REGION],
});
