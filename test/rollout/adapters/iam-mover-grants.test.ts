import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { iamMoverGrants } from '#rollout/adapters/iam-mover-grants.ts';

const ROLES = { 'restore-traffic': 'arn:role/restore', 'shift-traffic': 'arn:role/shift' };
const by = Object.keys(ROLES);
const READ = { action: 'lambda:GetAlias', resource: 'arn:f', by };
const WRITE = { action: 'lambda:UpdateAlias', resource: 'arn:f', by };

const asked = (decide: (role: string, action: string) => string) => {
  const client = new IAMClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  mock
    .on(SimulatePrincipalPolicyCommand)
    .callsFake(async ({ PolicySourceArn, ActionNames: [action], ResourceArns }) => ({
      EvaluationResults: [
        {
          EvalActionName: action,
          EvalResourceName: ResourceArns[0],
          EvalDecision: decide(PolicySourceArn, action),
        },
      ],
    }));
  return { grants: iamMoverGrants(client, ROLES), mock };
};

describe('what movers may do, by IAM’s simulator', () => {
  it('is everything when every role is allowed each action on its resource', async () => {
    const { grants, mock } = asked(() => 'allowed');
    expect(await grants.missing([READ, WRITE])).toEqual([]);
    expect(mock.commandCalls(SimulatePrincipalPolicyCommand)).toHaveLength(4);
  });

  it.each(['explicitDeny', 'implicitDeny'])(
    'lacks what is answered with %s, by the role',
    async (decision) => {
      const { grants } = asked((role, action) =>
        role === ROLES['restore-traffic'] && action === WRITE.action ? decision : 'allowed',
      );
      expect(await grants.missing([READ, WRITE])).toEqual([
        { who: 'restore-traffic', action: WRITE.action, resource: WRITE.resource },
      ]);
    },
  );

  it('is asked of those alone who need it', async () => {
    const { grants } = asked(() => 'implicitDeny');
    expect(await grants.missing([{ ...WRITE, by: ['shift-traffic'] }])).toMatchObject([
      { who: 'shift-traffic' },
    ]);
    await expect(grants.missing([{ ...WRITE, by: ['somebody'] }])).rejects.toThrow('somebody');
  });

  it('is not taken for granted when IAM says nothing, or can’t be reached', async () => {
    const { grants, mock } = asked(() => 'allowed');
    mock.on(SimulatePrincipalPolicyCommand).resolves({});
    expect(await grants.missing([READ])).toHaveLength(2);
    mock.on(SimulatePrincipalPolicyCommand).rejects(Object.assign(new Error('slow'), { name: 'Throttling' }));
    await expect(grants.missing([READ])).rejects.toBeInstanceOf(TransientError);
  });
});
