import { type IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { orTransient } from '#platform/aws-errors.ts';
import type { Grant, MissingGrant, MoverGrants } from '#rollout/doctor/needed-grants.ts';

/**
 * Asks IAM's own simulator, which also knows of permission boundaries and of the organization's policies.
 * @param roles ARN of each mover's role, by the mover's name
 */
export const iamMoverGrants = (client: IAMClient, roles: Readonly<Record<string, string>>): MoverGrants => {
  const missingOf = async (who: string, { action, resource }: Grant): Promise<readonly MissingGrant[]> => {
    const role = roles[who];
    if (role === undefined) throw new Error(`the role of ${who} is not known`);
    const { EvaluationResults = [] } = await orTransient(
      'IAM',
      client.send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: role,
          ActionNames: [action],
          ResourceArns: [resource],
        }),
      ),
    );
    const allowed = EvaluationResults.some(({ EvalDecision }) => EvalDecision === 'allowed');
    return allowed ? [] : [{ who, action, resource }];
  };
  return {
    missing: async (needed) => {
      const asked = needed.flatMap((grant) => grant.by.map((who) => missingOf(who, grant)));
      return (await Promise.all(asked)).flat();
    },
  };
};
