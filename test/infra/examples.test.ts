import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import { managedAttribute, type TemplateResource } from '#policy/managed-attribute.ts';
import { CheckoutStack } from '../../examples/cdk/checkout-stack.ts';
import { ShopStack } from '../../examples/cdk/shop-stack.ts';
import { albTarget, LISTENER_ARN } from '../builders/alb.ts';
import { checkoutTarget } from '../builders/release.ts';

type Resources = Readonly<Record<string, TemplateResource & { readonly DeletionPolicy?: string }>>;

const resourcesOf = (stack: Stack): Resources => Template.fromStack(stack).toJSON().Resources;
const ofType = (resources: Resources, type: string) =>
  Object.values(resources).filter(({ Type }) => Type === type);

/** A folder with code that answers this. */
const codeThatSays = (answer: string): string => {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'sluice-example-')), 'code');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'index.mjs'), `export const handler = async () => '${answer}';`);
  return folder;
};

const checkoutOf = (code: string): Resources =>
  resourcesOf(new CheckoutStack(new App(), 'Checkout', { functionName: 'checkout', code }));

describe('the CDK example of an alias', () => {
  const before = checkoutOf(codeThatSays('one'));
  const after = checkoutOf(codeThatSays('two'));

  it('leaves the alias as it is when code changes, and publishes a version', () => {
    const [aliases, versions] = ['AWS::Lambda::Alias', 'AWS::Lambda::Version'] as const;
    const properties = (resources: Resources, type: string) =>
      ofType(resources, type).map(({ Properties }) => Properties);
    expect(properties(after, aliases)).toEqual(properties(before, aliases));
    expect(ofType(before, aliases)).toHaveLength(1);
    const ids = (resources: Resources) =>
      Object.keys(resources).filter((id) => resources[id]?.Type === versions);
    expect(ids(after)).toHaveLength(1);
    expect(ids(after)).not.toEqual(ids(before));
  });

  it('keeps the versions before, to which a release has to be able to go back', () => {
    expect(ofType(after, 'AWS::Lambda::Version').map(({ DeletionPolicy }) => DeletionPolicy)).toEqual([
      'Retain',
    ]);
  });

  it('may be registered, as the CDK’s own Alias may not', () => {
    const [ours] = ofType(after, 'AWS::Lambda::Alias');
    expect(managedAttribute(checkoutTarget, ours ?? {})).toBeUndefined();
    const stack = new Stack(new App(), 'Usual');
    new lambda.Function(stack, 'Function', {
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => 1;'),
    }).addAlias('live');
    const [usual] = ofType(resourcesOf(stack), 'AWS::Lambda::Alias');
    expect(managedAttribute(checkoutTarget, usual ?? {})).toBe('FunctionVersion');
  });
});

describe('the CDK example of a listener rule', () => {
  const resources = resourcesOf(
    new ShopStack(new App(), 'Shop', { listenerArn: LISTENER_ARN, vpcId: 'vpc-0123456789abcdef0' }),
  );

  it('states its weights, so that it may be registered, and names the idle group too', () => {
    const [rule] = ofType(resources, 'AWS::ElasticLoadBalancingV2::ListenerRule');
    expect(managedAttribute(albTarget, rule ?? {})).toBeUndefined();
    expect(rule?.Properties).toMatchObject({
      Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ Weight: 100 }, { Weight: 0 }] } }],
    });
  });
});
