import {
  type AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { AppConfigTarget } from '#policy/appconfig-target-schema.ts';
import { type FlagDocument, flagDocumentSchema } from '#rollout/flag-document.ts';

const UNDER_WAY = ['VALIDATING', 'DEPLOYING', 'BAKING', 'ROLLING_BACK'];
const WAITS_MAX = 10;
const WAIT_MS = 1_000;
const JSON_TYPE = 'application/json';

/** What the target's environment has been given last. */
export interface Deployed {
  /** The environment's latest deployment, whatever became of it: 0 before the first. */
  readonly number: number;
  /** It isn't over yet. */
  readonly underWay?: string;
  /** The version of the target's profile that callers have; undefined while they have none. */
  readonly version?: number;
}

export const appConfigDeployments = (
  client: AppConfigClient,
  pause: (milliseconds: number) => Promise<unknown>,
) => {
  const call = <T>(answer: Promise<T>): Promise<T> => orTransient('AppConfig', answer);
  const environmentOf = ({ applicationId, environmentId }: AppConfigTarget) => ({
    ApplicationId: applicationId,
    EnvironmentId: environmentId,
  });
  const profileOf = ({ applicationId, profileId }: AppConfigTarget) => ({
    ApplicationId: applicationId,
    ConfigurationProfileId: profileId,
  });

  const stateOf = async (target: AppConfigTarget, DeploymentNumber: number) =>
    call(client.send(new GetDeploymentCommand({ ...environmentOf(target), DeploymentNumber })));

  /** The newest completed deployment of the target's own profile; AppConfig lists the newest ones first. */
  const read = async (target: AppConfigTarget): Promise<Deployed> => {
    const { Items = [] } = await call(client.send(new ListDeploymentsCommand(environmentOf(target))));
    const deployments = Items.toSorted((a, b) => (b.DeploymentNumber ?? 0) - (a.DeploymentNumber ?? 0));
    const [latest] = deployments;
    const number = latest?.DeploymentNumber ?? 0;
    const underWay = UNDER_WAY.find((state) => state === latest?.State);
    for (const { DeploymentNumber = 0, State, ConfigurationVersion } of deployments) {
      if (State !== 'COMPLETE') continue;
      const { ConfigurationProfileId } = await stateOf(target, DeploymentNumber);
      if (ConfigurationProfileId !== target.profileId) continue;
      return { number, version: Number(ConfigurationVersion), ...(underWay && { underWay }) };
    }
    return { number, ...(underWay && { underWay }) };
  };

  /** Until it is over, or for as long as a step may take; who reads next sees which. */
  const settle = async (target: AppConfigTarget, number: number): Promise<void> => {
    for (let wait = 0; wait < WAITS_MAX; wait += 1) {
      const { State = '' } = await stateOf(target, number);
      if (!UNDER_WAY.includes(State)) return;
      await pause(WAIT_MS);
    }
  };

  return {
    read,
    document: async (target: AppConfigTarget, version: number): Promise<FlagDocument> => {
      const { Content } = await call(
        client.send(
          new GetHostedConfigurationVersionCommand({ ...profileOf(target), VersionNumber: version }),
        ),
      );
      const parsed = flagDocumentSchema.safeParse(JSON.parse(Buffer.from(Content ?? []).toString()));
      if (!parsed.success)
        throw new NotFoundError(`version ${version} of profile ${target.profileId} holds no feature flags`);
      return parsed.data;
    },
    /** Ends what is under way; callers get back what they had before it. */
    stop: async (target: AppConfigTarget, { number, underWay }: Deployed): Promise<void> => {
      try {
        if (underWay !== 'ROLLING_BACK')
          await call(
            client.send(
              new StopDeploymentCommand({
                ...environmentOf(target),
                DeploymentNumber: number,
                // A deployment that has reached everyone and is only watched any more is stopped by reverting it.
                ...(underWay === 'BAKING' && { AllowRevert: true }),
              }),
            ),
          );
      } catch (error) {
        // It went on to another state since it was read, or is over: whoever reads next sees which.
        if (!isNamed(error, 'BadRequestException')) throw error;
      }
      await settle(target, number);
    },
    /**
     * Gives callers this document, on the condition that nothing was deployed to the environment since `latest`.
     * @throws ConflictError when something was, or is being.
     */
    deploy: async (
      target: AppConfigTarget,
      document: FlagDocument,
      latest: number,
      description: string,
    ): Promise<void> => {
      const { VersionNumber } = await call(
        client.send(
          new CreateHostedConfigurationVersionCommand({
            ...profileOf(target),
            Content: Buffer.from(JSON.stringify(document)),
            ContentType: JSON_TYPE,
            Description: description,
          }),
        ),
      );
      try {
        const { DeploymentNumber } = await call(
          client.send(
            new StartDeploymentCommand({
              ...environmentOf(target),
              ConfigurationProfileId: target.profileId,
              ConfigurationVersion: String(VersionNumber),
              DeploymentStrategyId: target.deploymentStrategyId,
              LatestDeploymentNumber: latest,
              Description: description,
            }),
          ),
        );
        if (DeploymentNumber === undefined)
          throw new TransientError('AppConfig started a deployment and did not say which');
        await settle(target, DeploymentNumber);
      } catch (error) {
        if (!isNamed(error, 'ConflictException')) throw error;
        throw new ConflictError(
          `environment ${target.environmentId} was given another deployment than ${latest} meanwhile`,
          { cause: error },
        );
      }
    },
  };
};
