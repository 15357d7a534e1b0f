import { describe, expect, it } from 'vitest';
import { managedAttribute } from '#policy/managed-attribute.ts';
import { albTarget } from '../builders/alb.ts';
import { checkoutTarget } from '../builders/release.ts';

const NEXT = { 'Fn::GetAtt': ['CurrentVersion', 'Version'] };

describe('what deployments of a stack move of an alias', () => {
  const alias = (Properties: object, more: object = {}) =>
    managedAttribute(checkoutTarget, { Type: 'AWS::Lambda::Alias', Properties, ...more });

  it.each([
    ['the version that was just published, as the CDK’s Alias has it', { FunctionVersion: NEXT }],
    ['a parameter', { FunctionVersion: { Ref: 'Version' } }],
    ['nothing that is known', {}],
  ])('is its version when that is %s', (_, properties) => {
    expect(alias(properties)).toBe('FunctionVersion');
  });

  it('is its weights when it has any, and whatever CodeDeploy is told to move', () => {
    const RoutingConfig = { AdditionalVersionWeights: [{ FunctionVersion: '2', FunctionWeight: 0.1 }] };
    expect(alias({ FunctionVersion: '1', RoutingConfig })).toBe('RoutingConfig');
    const UpdatePolicy = { CodeDeployLambdaAliasUpdate: {} };
    expect(alias({ FunctionVersion: '1' }, { UpdatePolicy })).toBe('UpdatePolicy');
  });

  it.each(['1', 7])('is nothing when the version is stated: %j', (FunctionVersion) => {
    expect(alias({ FunctionVersion, FunctionName: { Ref: 'Function' } })).toBeUndefined();
  });
});

describe('what deployments of a stack move of a listener rule', () => {
  const group = (Weight?: unknown) => ({
    TargetGroupArn: { Ref: 'Blue' },
    ...(Weight !== undefined && { Weight }),
  });
  const forward = (...TargetGroups: unknown[]) => ({ Type: 'forward', ForwardConfig: { TargetGroups } });
  const rule = (Actions: unknown) =>
    managedAttribute(albTarget, {
      Type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
      Properties: { Actions },
    });

  it('is nothing when its weights are stated, whatever its groups are called', () => {
    expect(rule([forward(group(100), group(0))])).toBeUndefined();
    expect(rule([{ Type: 'forward', TargetGroupArn: { Ref: 'Blue' } }])).toBeUndefined();
    expect(rule([{ Type: 'authenticate-oidc' }, forward(group(), group('0'))])).toBeUndefined();
  });

  it('is the weight that is computed', () => {
    expect(rule([{ Type: 'authenticate-oidc' }, forward(group(100), group({ Ref: 'GreenWeight' }))])).toBe(
      'Actions.1.ForwardConfig.TargetGroups.1.Weight',
    );
  });

  it.each([
    ['Actions', { 'Fn::If': ['Green', [], []] }],
    ['Actions.0', [{ 'Fn::If': ['Green', {}, {}] }]],
    [
      'Actions.0.ForwardConfig.TargetGroups',
      [{ Type: 'forward', ForwardConfig: { TargetGroups: { 'Fn::If': [] } } }],
    ],
    ['Actions.0.ForwardConfig.TargetGroups.0.Weight', [forward({ 'Fn::If': [] })]],
  ])('is %s when a choice is made there', (at, actions) => {
    expect(rule(actions)).toBe(at);
  });

  it('is looked for in the default actions of a listener', () => {
    const DefaultActions = [forward(group({ Ref: 'W' }))];
    const Type = 'AWS::ElasticLoadBalancingV2::Listener';
    expect(managedAttribute(albTarget, { Type, Properties: { DefaultActions } })).toMatch(
      /^DefaultActions\.0/,
    );
  });
});
