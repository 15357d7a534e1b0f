import { PolicyDeniedError } from '#platform/errors.ts';
import { environmentWaves } from '#policy/environment-waves.ts';
import type { ServiceDefinition } from '#policy/service-definition.ts';
import { type Target, targetIdentity } from '#policy/target.ts';
import { managedText, type Ownership, type TargetOwners } from '#policy/target-ownership.ts';

/** A target and where in the definition it stands. */
interface Named {
  readonly path: string;
  readonly target: Target;
}

const targetsOf = ({ environments }: ServiceDefinition): readonly Named[] =>
  Object.entries(environments).flatMap(([name, settings]) =>
    environmentWaves(settings).map(({ path, target }) => ({ path: `environments.${name}.${path}`, target })),
  );

const NO_ANSWER: Ownership = { kind: 'unknown', text: 'no answer' };

const warningOf = (path: string, target: Target, owner: Ownership): readonly string[] => {
  switch (owner.kind) {
    case 'managed':
      return [`${path}: ${managedText(target, owner)}`];
    case 'unknown':
      return [`${path}: whether a CloudFormation stack writes it is not known: ${owner.text}`];
    case 'pinned':
    case 'unmanaged':
      return [];
    default:
      return owner satisfies never;
  }
};

/**
 * Refuses a target that deployments of somebody's stack move as well: both would win in turn, and traffic would move past
 * every gate. One that the service had before is warned of and stays: what else is changed about the service, perhaps at
 * night, must not wait for a stack. What can't be found out is warned of too, and stops nobody.
 * @returns the warnings, by path.
 * @throws PolicyDeniedError naming stack, resource, attribute and the way out.
 */
export const admitTargets = async (
  owners: TargetOwners,
  definition: ServiceDefinition,
  previous: ServiceDefinition | undefined,
): Promise<readonly string[]> => {
  const targets = targetsOf(definition);
  const known = new Set(previous && targetsOf(previous).map(({ target }) => targetIdentity(target)));
  const found = await owners.ownershipOf(targets.map(({ target }) => target));
  const owned = targets.map((one, index) => ({ ...one, owner: found[index] ?? NO_ANSWER }));
  const faults = owned.flatMap(({ path, target, owner }) =>
    owner.kind === 'managed' && !known.has(targetIdentity(target))
      ? [{ path, message: managedText(target, owner) }]
      : [],
  );
  if (faults.length > 0)
    throw new PolicyDeniedError('deployments of a CloudFormation stack move a target too', { faults });
  return owned.flatMap(({ path, target, owner }) => warningOf(path, target, owner));
};
