import * as z from 'zod';
import type { Target } from '#policy/target.ts';

/** A resource of a CloudFormation stack, by the names that its owners know it by. */
const inStack = { stack: z.string(), logicalId: z.string() };

/**
 * Who else writes what a release would move. `unmanaged`: no CloudFormation stack has it. `pinned`: a stack has it and
 * states a fixed value, so that no deployment of code writes it. `managed`: the value follows what is deployed, and
 * would move all traffic past Sluice. `unknown`: it could not be found out.
 */
export const ownershipSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('unmanaged') }),
  z.strictObject({ kind: z.literal('pinned'), ...inStack }),
  z.strictObject({ kind: z.literal('managed'), ...inStack, attribute: z.string() }),
  z.strictObject({ kind: z.literal('unknown'), text: z.string() }),
]);
export type Ownership = z.infer<typeof ownershipSchema>;

export interface TargetOwners {
  /** One answer for each target, in their order. Never throws: what could not be found out is `unknown`. */
  ownershipOf(targets: readonly Target[]): Promise<readonly Ownership[]>;
}

const nameOf = (target: Target): string => {
  switch (target.kind) {
    case 'lambda-alias':
      return `alias ${target.functionName}:${target.alias}`;
    case 'alb':
    case 'ecs':
      return target.ruleArn;
    case 'appconfig-flag':
      return `flag ${target.flag}`;
    case 'custom':
      return `${target.functionName}:${target.alias}`;
    default:
      return target satisfies never;
  }
};

const fixOf = (target: Target): string => {
  switch (target.kind) {
    case 'lambda-alias':
      return 'state the number of the version that runs now as a fixed FunctionVersion, without RoutingConfig and UpdatePolicy (in the CDK: a CfnAlias, examples/cdk), or take the alias out of the stack with DeletionPolicy Retain';
    case 'alb':
    case 'ecs':
      return 'state fixed weights in its forward action, those it has now, or take the rule out of the stack with DeletionPolicy Retain';
    case 'appconfig-flag':
    case 'custom':
      return 'take it out of the stack';
    default:
      return target satisfies never;
  }
};

/** What a managed target means and how to change that; one text for the refusal and for the doctor. */
export const managedText = (target: Target, owner: Ownership & { readonly kind: 'managed' }): string =>
  `${nameOf(target)} is resource ${owner.logicalId} of CloudFormation stack ${owner.stack}, whose template computes its ${owner.attribute}: a deployment of that stack moves all traffic at once, past Sluice. To leave it to Sluice, ${fixOf(target)}`;

/** What a stack that states a fixed value may still do. */
export const pinnedText = (target: Target, owner: Ownership & { readonly kind: 'pinned' }): string =>
  `${nameOf(target)} is resource ${owner.logicalId} of CloudFormation stack ${owner.stack} with a fixed value: deployments leave it alone as long as nothing of that resource changes in the template`;
