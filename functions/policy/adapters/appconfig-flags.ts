import {
  type AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  type DeploymentSummary,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  paginateListHostedConfigurationVersions,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';
import type { FlagsPlace } from '#policy/adapters/appconfig-switches.ts';
import { flagLabel, madeBy } from '#policy/flag-label.ts';
import type { FlagStore, FlagsVersion } from '#policy/flag-store.ts';
import { flagsDocument, storedStates } from '#policy/flags-document-schema.ts';

interface Deployments {
  /** All at once, no bake. */
  readonly strategy: string;
  /** Waits before it looks again at a deployment on its way. */
  readonly pause: () => Promise<void>;
  /** Makes a version's label one of a kind. */
  readonly newLabelId: () => string;
}

/** Every client is given this version. A deployment that bakes, which ours don't, is in force and still in the way. */
const IN_FORCE: ReadonlySet<string> = new Set(['COMPLETE', 'BAKING']);
const IN_THE_WAY: ReadonlySet<string> = new Set(['DEPLOYING', 'BAKING', 'VALIDATING', 'ROLLING_BACK']);

/** An all-at-once deployment ends within seconds; with the pauses between them these looks take some fifteen. */
const LOOKS_MAX = 30;

const inForce = (all: readonly DeploymentSummary[]): DeploymentSummary | undefined =>
  all.find(({ State = '' }) => IN_FORCE.has(State));

const versionOf = ({ ConfigurationVersion }: DeploymentSummary): number => Number(ConfigurationVersion);

/** The flags in AppConfig's own store, changed through its control plane. */
export const appConfigFlags = (
  client: AppConfigClient,
  { application, environment, profile }: FlagsPlace,
  { strategy, pause, newLabelId }: Deployments,
): FlagStore => {
  const ofEnvironment = { ApplicationId: application, EnvironmentId: environment };
  const ofProfile = { ApplicationId: application, ConfigurationProfileId: profile };

  /** Newest first. AppConfig gives fifty a page, and anything older says nothing about the present. */
  const deployments = async (): Promise<readonly DeploymentSummary[]> => {
    const { Items = [] } = await orTransient(
      'AppConfig',
      client.send(new ListDeploymentsCommand(ofEnvironment)),
    );
    return Items.toSorted((a, b) => (b.DeploymentNumber ?? 0) - (a.DeploymentNumber ?? 0));
  };

  const newestVersion = async (): Promise<number> => {
    let newest = 0;
    const pages = paginateListHostedConfigurationVersions({ client }, ofProfile);
    const walk = async () => {
      for await (const { Items = [] } of pages)
        newest = Math.max(newest, ...Items.map(({ VersionNumber = 0 }) => VersionNumber));
    };
    await orTransient('AppConfig', walk());
    return newest;
  };

  const versionAt = async (version: number): Promise<FlagsVersion> => {
    const command = new GetHostedConfigurationVersionCommand({ ...ofProfile, VersionNumber: version });
    const { Content, VersionLabel } = await orTransient('AppConfig', client.send(command));
    const content: unknown = JSON.parse(new TextDecoder().decode(Content));
    return { version, states: storedStates(content), madeBy: madeBy(VersionLabel) };
  };

  /** A deployment that somebody else has just ended is as good as stopped. */
  const stop = async ({ DeploymentNumber, State }: DeploymentSummary): Promise<void> => {
    const AllowRevert = State === 'BAKING';
    const command = new StopDeploymentCommand({ ...ofEnvironment, DeploymentNumber, AllowRevert });
    try {
      await orTransient('AppConfig', client.send(command));
    } catch (error) {
      if (!isNamed(error, 'BadRequestException')) throw error;
    }
  };

  /** Only if no deployment began since `latest` was the latest: that one may be of a later version. */
  const start = async (version: number, latest: number): Promise<void> => {
    const command = new StartDeploymentCommand({
      ...ofEnvironment,
      ConfigurationProfileId: profile,
      ConfigurationVersion: String(version),
      DeploymentStrategyId: strategy,
      LatestDeploymentNumber: latest,
    });
    try {
      await orTransient('AppConfig', client.send(command));
    } catch (error) {
      if (!isNamed(error, 'ConflictException')) throw error;
    }
  };

  return {
    read: async () => {
      const [all, newest] = await Promise.all([deployments(), newestVersion()]);
      const present = inForce(all);
      if (present === undefined) throw new TransientError('AppConfig has no deployment of the flags yet');
      const deployed = await versionAt(versionOf(present));
      const isNew = newest > deployed.version && all.every((one) => versionOf(one) !== newest);
      const latest = isNew ? await versionAt(newest) : undefined;
      return { deployed, newest, ...(latest?.madeBy.kind === 'api' && { cutOff: latest }) };
    },
    write: async (states, flag, newest) => {
      const content = flagsDocument(states);
      const label = flagLabel(flag, newLabelId());
      const command = new CreateHostedConfigurationVersionCommand({
        ...ofProfile,
        Content: new TextEncoder().encode(JSON.stringify(content)),
        ContentType: 'application/json',
        LatestVersionNumber: newest,
        VersionLabel: label,
      });
      try {
        const { VersionNumber } = await orTransient('AppConfig', client.send(command));
        if (VersionNumber === undefined)
          throw new TransientError('AppConfig did not say which version it made');
        // As whoever reads it finds it, so that all tell the same of it.
        return { version: VersionNumber, states: storedStates(content), madeBy: madeBy(label) };
      } catch (error) {
        if (isNamed(error, 'ConflictException')) return undefined;
        throw error;
      }
    },
    deploy: async (version) => {
      for (let look = 0; look < LOOKS_MAX; look += 1) {
        const all = await deployments();
        const present = inForce(all);
        if (present !== undefined && versionOf(present) >= version) return;
        const running = all.find(({ State = '' }) => IN_THE_WAY.has(State));
        if (running === undefined) await start(version, all[0]?.DeploymentNumber ?? 0);
        else if (versionOf(running) < version && running.State !== 'ROLLING_BACK') await stop(running);
        if (look > 0) await pause();
      }
      throw new TransientError(
        `version ${version} of the flags is being deployed and not in force yet; ask again`,
      );
    },
  };
};
