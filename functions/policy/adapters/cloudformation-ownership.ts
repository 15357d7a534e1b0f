import {
  type CloudFormationClient,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
  type StackResource,
} from '@aws-sdk/client-cloudformation';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';
import { templateResources } from '#policy/adapters/cloudformation-template.ts';
import { managedAttribute } from '#policy/managed-attribute.ts';
import { regionOf, type Target } from '#policy/target.ts';
import { targetArn } from '#policy/target-arn.ts';
import type { Ownership, TargetOwners } from '#policy/target-ownership.ts';

/** What CloudFormation knows the target by; undefined for what no stack moves. */
const physicalIdOf = (target: Target, functionArnPrefix: string): string | undefined => {
  switch (target.kind) {
    case 'lambda-alias':
      return targetArn(
        functionArnPrefix,
        'lambda',
        target.region,
        `function:${target.functionName}:${target.alias}`,
      );
    case 'alb':
    case 'ecs':
      return target.ruleArn;
    case 'appconfig-flag':
    case 'custom':
      return undefined;
    default:
      return target satisfies never;
  }
};

const unknown = (text: string): Ownership => ({ kind: 'unknown', text });

/** CloudFormation remembers resources of stacks that were deleted, for 90 days. */
const isThere = ({ ResourceStatus }: StackResource): boolean =>
  ResourceStatus !== 'DELETE_COMPLETE' && ResourceStatus !== 'DELETE_SKIPPED';

/** The stack's resource of that physical id; undefined when no stack has it. */
const findResource = async (
  client: CloudFormationClient,
  PhysicalResourceId: string,
): Promise<StackResource | undefined> => {
  try {
    const { StackResources = [] } = await orTransient(
      'CloudFormation',
      client.send(new DescribeStackResourcesCommand({ PhysicalResourceId })),
    );
    return StackResources.find(
      (resource) => resource.PhysicalResourceId === PhysicalResourceId && isThere(resource),
    );
  } catch (error) {
    if (isNamed(error, 'ValidationError') && /does not exist/.test((error as Error).message))
      return undefined;
    throw error;
  }
};

const ownerOf = async (
  clientIn: (region: string | undefined) => CloudFormationClient,
  target: Target,
  functionArnPrefix: string,
): Promise<Ownership> => {
  if (target.kind === 'appconfig-flag')
    return unknown(
      'CloudFormation is not asked about feature flags; look whether a stack deploys the profile of this one',
    );
  const physicalId = physicalIdOf(target, functionArnPrefix);
  if (physicalId === undefined) return { kind: 'unmanaged' };
  const client = clientIn(regionOf(target));
  const found = await findResource(client, physicalId);
  if (found === undefined) return { kind: 'unmanaged' };
  const { StackName: stack = '', LogicalResourceId: logicalId = '' } = found;
  const { TemplateBody = '' } = await orTransient(
    'CloudFormation',
    client.send(new GetTemplateCommand({ StackName: stack })),
  );
  const resource = templateResources(TemplateBody)[logicalId];
  if (resource === undefined)
    return unknown(`it belongs to CloudFormation stack ${stack}, whose template does not name it`);
  const attribute = managedAttribute(target, resource);
  return attribute === undefined
    ? { kind: 'pinned', stack, logicalId }
    : { kind: 'managed', stack, logicalId, attribute };
};

/** Words of AWS's own may name roles and accounts, and these reach whoever calls the API. */
const reasonOf = (error: unknown): string => {
  if (error instanceof TransientError) return error.message;
  if (isNamed(error, 'AccessDenied') || isNamed(error, 'AccessDeniedException'))
    return 'CloudFormation did not let Sluice ask; was a policy of the stack changed?';
  return "the stack's template could not be read; the log of check-ownership says why";
};

/**
 * Asks CloudFormation. One target after another: it throttles whoever asks for many at once.
 * @param functionArnPrefix `arn:aws:lambda:REGION:ACCOUNT:function`
 */
export const cloudFormationOwners = (
  clientIn: (region: string | undefined) => CloudFormationClient,
  functionArnPrefix: string,
  onTrouble: (error: unknown) => void,
): TargetOwners => ({
  ownershipOf: async (targets) => {
    const owners: Ownership[] = [];
    for (const target of targets) {
      try {
        owners.push(await ownerOf(clientIn, target, functionArnPrefix));
      } catch (error) {
        onTrouble(error);
        owners.push(unknown(reasonOf(error)));
      }
    }
    return owners;
  },
});
