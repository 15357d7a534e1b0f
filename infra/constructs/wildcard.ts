import { Aws, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

const PSEUDO = [
  [Aws.PARTITION, '<AWS::Partition>'],
  [Aws.REGION, '<AWS::Region>'],
  [Aws.ACCOUNT_ID, '<AWS::AccountId>'],
] as const;

/**
 * Says why a resource of a policy ends in a wildcard. Every one has its reason here or the synthesis fails; `resource`
 * as the policy has it, with the stack's own account and region, or with a construct's ARN already as `<Id.Arn>`.
 */
export const explainWildcard = (scope: Construct, resource: string, reason: string): void => {
  const shown = PSEUDO.reduce((text, [token, name]) => text.replaceAll(token, name), resource);
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${shown}]`, reason });
};
