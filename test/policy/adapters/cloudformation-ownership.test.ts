import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
  type StackResource,
} from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { cloudFormationOwners } from '#policy/adapters/cloudformation-ownership.ts';
import { albTarget, RULE_ARN } from '../../builders/alb.ts';
import { checkoutTarget } from '../../builders/release.ts';

const PREFIX = 'arn:aws:lambda:eu-central-1:123456789012:function';
const ALIAS_ARN = `${PREFIX}:checkout:live`;

const failing = (name: string, message = '') => Object.assign(new Error(message), { name });

/** A CloudFormation with one stack, which has one resource. */
const aStack = (resource: Partial<StackResource>, template: object | string) => {
  const client = new CloudFormationClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const known = {
    StackName: 'shop',
    LogicalResourceId: 'Thing',
    PhysicalResourceId: ALIAS_ARN,
    ResourceStatus: 'UPDATE_COMPLETE',
    ...resource,
  } as StackResource;
  mock.on(DescribeStackResourcesCommand).callsFake(async ({ PhysicalResourceId }) => {
    if (PhysicalResourceId !== known.PhysicalResourceId)
      throw failing('ValidationError', `Stack for ${PhysicalResourceId} does not exist`);
    return { StackResources: [known] };
  });
  const TemplateBody =
    typeof template === 'string' ? template : JSON.stringify({ Resources: { Thing: template } });
  mock.on(GetTemplateCommand).resolves({ TemplateBody });
  const troubles: unknown[] = [];
  const owners = cloudFormationOwners(
    () => client,
    PREFIX,
    (error) => troubles.push(error),
  );
  return { owners, mock, troubles };
};

const alias = (FunctionVersion: unknown) => ({ Type: 'AWS::Lambda::Alias', Properties: { FunctionVersion } });

describe('who owns a target, by CloudFormation', () => {
  it('is nobody when no stack has it, and its templates are then left alone', async () => {
    const { owners, mock } = aStack({ PhysicalResourceId: `${PREFIX}:other:live` }, alias('1'));
    expect(await owners.ownershipOf([checkoutTarget])).toEqual([{ kind: 'unmanaged' }]);
    expect(mock.commandCalls(GetTemplateCommand)).toEqual([]);
  });

  it('is the stack whose template computes what releases move', async () => {
    const { owners } = aStack({}, alias({ Ref: 'Version' }));
    expect(await owners.ownershipOf([checkoutTarget])).toEqual([
      { kind: 'managed', stack: 'shop', logicalId: 'Thing', attribute: 'FunctionVersion' },
    ]);
  });

  it('is a stack that leaves it alone when the template states the value', async () => {
    const { owners } = aStack({}, alias('1'));
    expect(await owners.ownershipOf([checkoutTarget])).toEqual([
      { kind: 'pinned', stack: 'shop', logicalId: 'Thing' },
    ]);
  });

  it.each(['DELETE_COMPLETE', 'DELETE_SKIPPED'] as const)(
    'is no stack that let go of it: %s',
    async (ResourceStatus) => {
      const { owners } = aStack({ ResourceStatus }, alias({ Ref: 'Version' }));
      expect(await owners.ownershipOf([checkoutTarget])).toEqual([{ kind: 'unmanaged' }]);
    },
  );

  it('is asked for a listener rule by its ARN, and never for a function of the team’s own', async () => {
    const { owners, mock } = aStack(
      { PhysicalResourceId: RULE_ARN },
      { Type: 'X', Properties: { Actions: {} } },
    );
    const custom = { kind: 'custom', functionName: 'edge', alias: 'live', parameters: {} } as const;
    expect(await owners.ownershipOf([custom, albTarget])).toMatchObject([
      { kind: 'unmanaged' },
      { kind: 'managed', attribute: 'Actions' },
    ]);
    expect(mock.commandCalls(DescribeStackResourcesCommand)).toHaveLength(1);
  });

  it.each([
    [
      'may not be asked',
      failing('AccessDenied', 'role x is not authorized'),
      /was a policy of the stack changed/,
    ],
    ['does not answer', failing('ThrottlingException'), /CloudFormation did not answer/],
    ['fails', failing('Strange', 'arn:aws:iam::1:role/x'), /the log of check-ownership/],
  ])('is not known when CloudFormation %s, in words of ours', async (_, error, text) => {
    const { owners, mock, troubles } = aStack({}, alias('1'));
    mock.on(GetTemplateCommand).rejects(error);
    expect(await owners.ownershipOf([checkoutTarget])).toEqual([
      { kind: 'unknown', text: expect.stringMatching(text) },
    ]);
    expect(troubles).toHaveLength(1);
  });

  it('is not known when the template can’t be read, or does not name the resource', async () => {
    expect(await aStack({}, '!!').owners.ownershipOf([checkoutTarget])).toMatchObject([{ kind: 'unknown' }]);
    const other = aStack({ LogicalResourceId: 'Gone' }, alias('1'));
    expect(await other.owners.ownershipOf([checkoutTarget])).toEqual([
      { kind: 'unknown', text: expect.stringContaining('stack shop') },
    ]);
  });
});
