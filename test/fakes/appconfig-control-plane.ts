import {
  AppConfigClient,
  BadRequestException,
  ConflictException,
  CreateHostedConfigurationVersionCommand,
  type DeploymentState,
  GetConfigurationProfileCommand,
  type GetConfigurationProfileCommandOutput,
  GetDeploymentCommand,
  GetDeploymentStrategyCommand,
  type GetDeploymentStrategyCommandOutput,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ResourceNotFoundException,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { mockClient } from 'aws-sdk-client-mock';
import type { AppConfigTarget } from '#policy/appconfig-target-schema.ts';

interface Options {
  readonly target: AppConfigTarget;
  /** What is deployed at first; undefined for nothing. */
  readonly document?: object;
  readonly profile?: Partial<GetConfigurationProfileCommandOutput>;
  readonly strategy?: Partial<GetDeploymentStrategyCommandOutput>;
  /** Looks at a deployment until it is over. */
  readonly looksToComplete?: number;
}

interface Deployment {
  readonly number: number;
  readonly profileId: string;
  readonly version: number;
  state: DeploymentState;
  looksLeft: number;
}

const metadata = { $metadata: {} };
const IN_PROGRESS: readonly DeploymentState[] = ['DEPLOYING', 'BAKING', 'VALIDATING', 'ROLLING_BACK'];

/**
 * As much of AppConfig's control plane as one environment and one profile need, behind the real client: versions of the
 * document, and deployments of them, one at a time, each on the condition of the last one's number where one is given.
 */
export const appConfigControlPlane = ({
  target,
  document,
  profile = {},
  strategy = {},
  looksToComplete = 1,
}: Options) => {
  const versions: string[] = [];
  const deployments: Deployment[] = [];
  const client = new AppConfigClient({ region: 'eu-central-1' });
  const mock = mockClient(client);

  const requireTarget = (input: Record<string, unknown>): void => {
    const { applicationId, environmentId, profileId } = target;
    const known = {
      ApplicationId: applicationId,
      EnvironmentId: environmentId,
      ConfigurationProfileId: profileId,
    };
    for (const [key, id] of Object.entries(known))
      if (input[key] !== undefined && input[key] !== id)
        throw new ResourceNotFoundException({ message: `${key} ${input[key]}`, ...metadata });
  };

  const look = (deployment: Deployment): void => {
    if (!IN_PROGRESS.includes(deployment.state)) return;
    deployment.looksLeft -= 1;
    if (deployment.looksLeft <= 0)
      deployment.state = deployment.state === 'ROLLING_BACK' ? 'ROLLED_BACK' : 'COMPLETE';
  };
  const told = ({ number, profileId, version, state }: Deployment) => ({
    DeploymentNumber: number,
    ConfigurationProfileId: profileId,
    ConfigurationVersion: String(version),
    State: state,
  });
  const numbered = (number: unknown): Deployment => {
    const found = deployments.find((one) => one.number === number);
    if (found === undefined)
      throw new ResourceNotFoundException({ message: `deployment ${number}`, ...metadata });
    return found;
  };

  const start = (version: number, more: Partial<Deployment> = {}): Deployment => {
    const deployment = {
      number: deployments.length + 1,
      profileId: target.profileId,
      version,
      state: 'DEPLOYING' as const,
      looksLeft: looksToComplete,
      ...more,
    };
    deployments.push(deployment);
    return deployment;
  };
  const save = (content: object): number => versions.push(JSON.stringify(content));
  /** As somebody else would, at once. */
  const deploy = (content: object, more: Partial<Deployment> = {}): Deployment =>
    start(save(content), { state: 'COMPLETE', ...more });
  if (document !== undefined) deploy(document);

  mock.on(ListDeploymentsCommand).callsFake(async (input) => {
    requireTarget(input);
    return {
      Items: deployments
        .toReversed()
        .map(told)
        .map(({ ConfigurationProfileId: _, ...item }) => item),
    };
  });
  mock.on(GetDeploymentCommand).callsFake(async (input) => {
    requireTarget(input);
    const deployment = numbered(input.DeploymentNumber);
    look(deployment);
    return told(deployment);
  });
  mock.on(GetHostedConfigurationVersionCommand).callsFake(async (input) => {
    requireTarget(input);
    const content = versions[input.VersionNumber - 1];
    if (content === undefined) throw new ResourceNotFoundException({ message: 'version', ...metadata });
    return { Content: Buffer.from(content), VersionNumber: input.VersionNumber };
  });
  mock.on(CreateHostedConfigurationVersionCommand).callsFake(async (input) => {
    requireTarget(input);
    versions.push(Buffer.from(input.Content).toString());
    return { VersionNumber: versions.length };
  });
  mock.on(StartDeploymentCommand).callsFake(async (input) => {
    requireTarget(input);
    const latest = deployments.at(-1);
    if (input.LatestDeploymentNumber !== undefined && input.LatestDeploymentNumber !== (latest?.number ?? 0))
      throw new ConflictException({ message: 'not the latest deployment', ...metadata });
    if (latest !== undefined && IN_PROGRESS.includes(latest.state))
      throw new ConflictException({ message: 'a deployment is in progress', ...metadata });
    return told(start(Number(input.ConfigurationVersion)));
  });
  mock.on(StopDeploymentCommand).callsFake(async (input) => {
    requireTarget(input);
    const deployment = numbered(input.DeploymentNumber);
    const stops = deployment.state === 'DEPLOYING' || (deployment.state === 'BAKING' && input.AllowRevert);
    if (!stops) throw new BadRequestException({ message: `it is ${deployment.state}`, ...metadata });
    deployment.state = 'ROLLING_BACK';
    deployment.looksLeft = 1;
    return told(deployment);
  });
  mock.on(GetConfigurationProfileCommand).callsFake(async (input) => {
    requireTarget(input);
    return { Type: 'AWS.AppConfig.FeatureFlags', LocationUri: 'hosted', ...profile };
  });
  mock.on(GetDeploymentStrategyCommand).callsFake(async (input) => {
    if (input.DeploymentStrategyId !== target.deploymentStrategyId)
      throw new ResourceNotFoundException({ message: 'strategy', ...metadata });
    return { DeploymentDurationInMinutes: 0, FinalBakeTimeInMinutes: 0, GrowthFactor: 100, ...strategy };
  });

  return {
    client,
    mock,
    deploy,
    start,
    save,
    deployments,
    /** What callers have once they poll. */
    served: (): unknown => {
      const current = deployments.findLast(({ state }) => state === 'COMPLETE');
      return JSON.parse(versions[(current?.version ?? 0) - 1] ?? 'null');
    },
  };
};
