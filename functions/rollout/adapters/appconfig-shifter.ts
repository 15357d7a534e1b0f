import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppConfigClient,
  GetConfigurationProfileCommand,
  GetDeploymentStrategyCommand,
} from '@aws-sdk/client-appconfig';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { AppConfigTarget } from '#policy/appconfig-target-schema.ts';
import { appConfigDeployments, type Deployed } from '#rollout/adapters/appconfig-deployments.ts';
import {
  type FlagDocument,
  flagRouting,
  foreignRules,
  variantsOf,
  withSplit,
} from '#rollout/flag-document.ts';
import { describeRouting, isAlone, routingUnfitness } from '#rollout/routing.ts';
import {
  ALWAYS_PREPARED,
  type Examination,
  type Inspection,
  type Routing,
  type TrafficShifter,
} from '#rollout/traffic-shifter.ts';

type Unfit = Extract<Inspection, { readonly kind: 'unfit' }>;

const unfit = (code: string, text: string): Unfit => ({ kind: 'unfit', code, text });

/** Others may deploy while a restore does; each try stops theirs, reads and deploys. */
const TRIES = 3;

interface Split {
  readonly primary: string;
  readonly canary: string;
  readonly weightPercent: number;
}

/**
 * Moves the split of a multi-variant feature flag: each write is a new version of the whole document, deployed to
 * everyone at once. AppConfig deploys one thing at a time to an environment and takes the number of the last one as a
 * condition, so that number is the revision. What was deployed counts; callers have it when they poll next.
 */
export const appConfigShifter = (
  client: AppConfigClient,
  pause: (milliseconds: number) => Promise<unknown> = (milliseconds) => sleep(milliseconds),
): TrafficShifter<AppConfigTarget> => {
  const deployments = appConfigDeployments(client, pause);

  const documentOf = async (target: AppConfigTarget, { version }: Deployed): Promise<FlagDocument> => {
    if (version === undefined)
      throw new NotFoundError(
        `nothing of profile ${target.profileId} is deployed to ${target.environmentId}`,
      );
    return deployments.document(target, version);
  };

  const routingIn = (target: AppConfigTarget, document: FlagDocument, number: number): Routing => {
    const variants = variantsOf(document, target);
    if (variants === undefined) throw new NotFoundError(`there is no flag ${target.flag} with variants`);
    return { ...flagRouting(variants, target), revision: String(number) };
  };

  const readSplit = async (
    target: AppConfigTarget,
  ): Promise<{ readonly document: FlagDocument; readonly routing: Routing }> => {
    const deployed = await deployments.read(target);
    if (deployed.underWay !== undefined)
      throw new TransientError(
        `deployment ${deployed.number} of environment ${target.environmentId} is under way (${deployed.underWay})`,
      );
    const document = await documentOf(target, deployed);
    return { document, routing: routingIn(target, document, deployed.number) };
  };

  const readRouting = async (target: AppConfigTarget): Promise<Routing> => (await readSplit(target)).routing;

  const write = async (target: AppConfigTarget, split: Split, deployed: Deployed): Promise<void> => {
    const document = await documentOf(target, deployed);
    const names = (variantsOf(document, target) ?? []).map(({ name }) => name);
    for (const version of [split.primary, split.canary])
      if (!names.includes(version)) throw new NotFoundError(`flag ${target.flag} has no variant ${version}`);
    const description = `Sluice: ${split.weightPercent} % ${split.canary}, else ${split.primary}`;
    await deployments.deploy(target, withSplit(document, target, split), deployed.number, description);
  };

  const writeAt = async (target: AppConfigTarget, split: Split, revision: string): Promise<void> => {
    const deployed = await deployments.read(target);
    if (String(deployed.number) !== revision)
      throw new ConflictError(`environment ${target.environmentId} was deployed to meanwhile`);
    if (deployed.underWay !== undefined)
      throw new TransientError(
        `deployment ${deployed.number} of environment ${target.environmentId} is under way; there can be one at a time`,
      );
    await write(target, split, deployed);
  };

  const sole = (version: string): Split => ({ primary: version, canary: version, weightPercent: 0 });

  const restore = async (target: AppConfigTarget, stable: string, revision?: string): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      const found = await deployments.read(target);
      if (revision !== undefined && String(found.number) !== revision)
        throw new ConflictError(`environment ${target.environmentId} was deployed to meanwhile`);
      if (found.underWay !== undefined) await deployments.stop(target, found);
      const deployed = found.underWay === undefined ? found : await deployments.read(target);
      try {
        await write(target, sole(stable), deployed);
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || revision !== undefined || tries === TRIES) throw error;
      }
    }
  };

  /** Why the target can't be moved at all, or not fast enough. */
  const targetFault = async (target: AppConfigTarget): Promise<Unfit | undefined> => {
    const { applicationId: ApplicationId, profileId, deploymentStrategyId } = target;
    const profile = await orTransient(
      'AppConfig',
      client.send(new GetConfigurationProfileCommand({ ApplicationId, ConfigurationProfileId: profileId })),
    );
    if (profile.Type !== 'AWS.AppConfig.FeatureFlags' || profile.LocationUri !== 'hosted')
      return unfit('not-a-flag', `profile ${profileId} doesn't hold feature flags in AppConfig itself`);
    const strategy = await orTransient(
      'AppConfig',
      client.send(new GetDeploymentStrategyCommand({ DeploymentStrategyId: deploymentStrategyId })),
    );
    const { DeploymentDurationInMinutes, FinalBakeTimeInMinutes, GrowthFactor } = strategy;
    return DeploymentDurationInMinutes === 0 && FinalBakeTimeInMinutes === 0 && GrowthFactor === 100
      ? undefined
      : unfit(
          'slow-strategy',
          `deployment strategy ${deploymentStrategyId} takes ${DeploymentDurationInMinutes} min and bakes for ${FinalBakeTimeInMinutes} min; a restore needs one of 0 and 0 that grows by 100 %`,
        );
  };

  const foreignFault = (
    target: AppConfigTarget,
    variants: Parameters<typeof foreignRules>[0],
  ): Unfit | undefined => {
    const foreign = foreignRules(variants, target);
    return foreign.length === 0
      ? undefined
      : unfit(
          'other-rule',
          `the rules of variants ${foreign.join(', ')} of flag ${target.flag} are no splits by ${target.splitBy}; remove them, or leave the variants out`,
        );
  };

  /** Throws as `readRouting` does, where nothing can be said of the split now. */
  const examine = async (target: AppConfigTarget): Promise<Examination> => {
    const fault = await targetFault(target);
    const { document, routing } = await readSplit(target);
    const faults = [fault, foreignFault(target, variantsOf(document, target) ?? [])];
    return {
      kind: 'found',
      routing,
      unfit: [
        ...faults.flatMap((one) => (one === undefined ? [] : [{ code: one.code, text: one.text }])),
        ...routingUnfitness(`flag ${target.flag}`, routing),
      ],
    };
  };

  const inspect = async (target: AppConfigTarget, version: string): Promise<Inspection> => {
    const { flag, environmentId } = target;
    const fault = await targetFault(target);
    if (fault !== undefined) return fault;
    const deployed = await deployments.read(target);
    if (deployed.underWay !== undefined)
      return unfit(
        'deployment-under-way',
        `deployment ${deployed.number} of environment ${environmentId} is under way (${deployed.underWay}); release when it is over`,
      );
    if (deployed.version === undefined)
      return unfit(
        'nothing-deployed',
        `deploy profile ${target.profileId} to ${environmentId} once yourself`,
      );
    const document = await documentOf(target, deployed);
    const variants = variantsOf(document, target);
    if (variants === undefined) return unfit('no-flag', `there is no flag ${flag} with variants`);
    const foreign = foreignFault(target, variants);
    if (foreign !== undefined) return foreign;
    if (!variants.some(({ name }) => name === version))
      return unfit('no-version', `flag ${flag} has no variant ${version}`);
    const routing = routingIn(target, document, deployed.number);
    if (!isAlone(routing, routing.primary))
      return unfit('already-weighted', `flag ${flag} already splits callers: ${describeRouting(routing)}`);
    return routing.primary === version
      ? unfit('already-running', `variant ${version} of flag ${flag} already is what everyone gets`)
      : { kind: 'fit', snapshot: { stableVersion: routing.primary } };
  };

  return {
    ...ALWAYS_PREPARED,
    readRouting,
    examine: async (target) => {
      try {
        return await examine(target);
      } catch (error) {
        if (error instanceof NotFoundError || isNamed(error, 'ResourceNotFoundException'))
          return { kind: 'absent', text: (error as Error).message };
        throw error;
      }
    },
    inspect: async (target, version) => {
      try {
        return await inspect(target, version);
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException'))
          return unfit('no-target', `AppConfig knows no such thing: ${(error as Error).message}`);
        throw error;
      }
    },
    setWeight: (target, { stable, canary, weightPercent }, revision) =>
      writeAt(target, { primary: stable, canary, weightPercent }, revision),
    promote: (target, version, revision) => writeAt(target, sole(version), revision),
    restore,
  };
};
