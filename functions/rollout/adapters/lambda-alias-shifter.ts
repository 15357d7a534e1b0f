import {
  type FunctionConfiguration,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetProvisionedConcurrencyConfigCommand,
  type LambdaClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { ConflictError } from '#platform/errors.ts';
import type { LambdaAliasTarget } from '#policy/target.ts';
import { describeRouting, isAlone, routingUnfitness } from '#rollout/routing.ts';
import {
  ALWAYS_PREPARED,
  type Examination,
  type Inspection,
  type Routing,
  type TrafficShifter,
} from '#rollout/traffic-shifter.ts';

const unfit = (code: string, text: string): Inspection => ({ kind: 'unfit', code, text });

/**
 * What makes two versions impossible to weight on one alias (AWS Lambda Developer Guide, "Implement Lambda canary
 * deployments using a weighted alias": both published, same execution role, same dead-letter queue or none).
 */
const mismatch = (stable: FunctionConfiguration, canary: FunctionConfiguration): Inspection | undefined => {
  if (stable.Role !== canary.Role)
    return unfit(
      'different-role',
      'the two versions have different execution roles; an alias cannot weight them',
    );
  if (stable.DeadLetterConfig?.TargetArn !== canary.DeadLetterConfig?.TargetArn)
    return unfit(
      'different-dead-letter-target',
      'the two versions have different dead-letter targets; an alias cannot weight them',
    );
  return undefined;
};

/** Moves a Lambda alias's weighted routing. */
export const lambdaAliasShifter = (client: LambdaClient): TrafficShifter<LambdaAliasTarget> => {
  const aliasOf = ({ functionName, alias }: LambdaAliasTarget) => ({
    FunctionName: functionName,
    Name: alias,
  });

  const readRouting = async (target: LambdaAliasTarget): Promise<Routing> => {
    const alias = await orTransient('Lambda', client.send(new GetAliasCommand(aliasOf(target))));
    const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {})
      .filter(([, fraction]) => fraction > 0)
      .map(([version, fraction]) => [version, Math.round(fraction * 1e6) / 1e4] as const);
    return {
      primary: alias.FunctionVersion ?? '',
      weights: Object.fromEntries(weights),
      revision: alias.RevisionId ?? '',
    };
  };

  /** The alias's routing; undefined when there is no such alias. */
  const findRouting = async (target: LambdaAliasTarget): Promise<Routing | undefined> => {
    try {
      return await readRouting(target);
    } catch (error) {
      if (isNamed(error, 'ResourceNotFoundException')) return undefined;
      throw error;
    }
  };

  const configuration = async (
    functionName: string,
    version: string,
  ): Promise<FunctionConfiguration | undefined> => {
    try {
      return await orTransient(
        'Lambda',
        client.send(new GetFunctionConfigurationCommand({ FunctionName: functionName, Qualifier: version })),
      );
    } catch (error) {
      if (isNamed(error, 'ResourceNotFoundException')) return undefined;
      throw error;
    }
  };

  /**
   * Such an alias moves by itself: when its version changes, Lambda weights the old one for as long as it allocates the
   * new one's environments, which takes minutes (Developer Guide, "Configuring provisioned concurrency").
   */
  const hasProvisionedConcurrency = async ({ functionName, alias }: LambdaAliasTarget): Promise<boolean> => {
    try {
      await orTransient(
        'Lambda',
        client.send(
          new GetProvisionedConcurrencyConfigCommand({ FunctionName: functionName, Qualifier: alias }),
        ),
      );
      return true;
    } catch (error) {
      if (isNamed(error, 'ProvisionedConcurrencyConfigNotFoundException')) return false;
      throw error;
    }
  };

  const update = async (
    target: LambdaAliasTarget,
    version: string,
    weights: Record<string, number>,
    revision?: string,
  ): Promise<void> => {
    try {
      await orTransient(
        'Lambda',
        client.send(
          new UpdateAliasCommand({
            ...aliasOf(target),
            FunctionVersion: version,
            RoutingConfig: { AdditionalVersionWeights: weights },
            ...(revision !== undefined && { RevisionId: revision }),
          }),
        ),
      );
    } catch (error) {
      if (!isNamed(error, 'PreconditionFailedException')) throw error;
      throw new ConflictError(`alias ${target.alias} of ${target.functionName} was changed meanwhile`, {
        cause: error,
      });
    }
  };

  const examine = async (target: LambdaAliasTarget): Promise<Examination> => {
    const name = `${target.functionName}:${target.alias}`;
    const routing = await findRouting(target);
    if (routing === undefined) return { kind: 'absent', text: `there is no alias ${name}` };
    if (routing.primary === '$LATEST') {
      const text = `alias ${name} points to $LATEST, which can't be weighted; point it to a published version`;
      return { kind: 'found', routing, unfit: [{ code: 'not-a-version', text }] };
    }
    const stable = await configuration(target.functionName, routing.primary);
    if (stable === undefined) {
      const text = `alias ${name} points to version ${routing.primary}, which is gone`;
      return { kind: 'found', routing, unfit: [{ code: 'no-stable-version', text }] };
    }
    return {
      kind: 'found',
      routing,
      unfit: routingUnfitness(`alias ${name}`, routing),
      ...(stable.Timeout !== undefined && { timeoutSeconds: stable.Timeout }),
    };
  };

  return {
    ...ALWAYS_PREPARED,
    readRouting,
    examine,
    inspect: async (target, version) => {
      const name = `${target.functionName}:${target.alias}`;
      if (!/^[1-9]\d*$/.test(version))
        return unfit(
          'not-a-version',
          `${version} is not the number of a published version ($LATEST can't be released)`,
        );
      const routing = await findRouting(target);
      if (routing === undefined) return unfit('no-target', `there is no alias ${name}`);
      if (!isAlone(routing, routing.primary))
        return unfit(
          'already-weighted',
          `alias ${name} already splits its traffic: ${describeRouting(routing)}; bring it to one version first`,
        );
      if (routing.primary === version)
        return unfit('already-running', `version ${version} already has all traffic of ${name}`);
      if (await hasProvisionedConcurrency(target))
        return unfit(
          'provisioned-concurrency',
          `alias ${name} has provisioned concurrency, with which Lambda moves its weights by itself after a promotion; configure it on the versions instead`,
        );
      const canary = await configuration(target.functionName, version);
      if (canary === undefined)
        return unfit('no-version', `function ${target.functionName} has no version ${version}`);
      const stable = await configuration(target.functionName, routing.primary);
      if (stable === undefined)
        return unfit(
          'no-stable-version',
          `alias ${name} points to version ${routing.primary}, which is gone`,
        );
      return (
        mismatch(stable, canary) ?? {
          kind: 'fit',
          snapshot: {
            stableVersion: routing.primary,
            timeoutSeconds: Math.max(stable.Timeout ?? 0, canary.Timeout ?? 0),
          },
        }
      );
    },
    setWeight: (target, { stable, canary, weightPercent }, revision) =>
      update(target, stable, weightPercent === 0 ? {} : { [canary]: weightPercent / 100 }, revision),
    promote: (target, version, revision) => update(target, version, {}, revision),
    restore: (target, stable, revision) => update(target, stable, {}, revision),
  };
};
