import { describe, expect, it } from 'vitest';
import { templateResources } from '#policy/adapters/cloudformation-template.ts';

describe('the resources of a template', () => {
  it('are read from YAML, short forms told from what is stated', () => {
    const resources = templateResources(`
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Live:
    Type: AWS::Lambda::Alias
    Properties:
      Name: live
      FunctionName: !Ref Function
      FunctionVersion: !GetAtt Version.Version
      RoutingConfig: !If [Canary, { AdditionalVersionWeights: [{ FunctionVersion: !Ref Next }] }, !Ref AWS::NoValue]
  Fixed:
    Type: AWS::Lambda::Alias
    Properties: { FunctionVersion: '7', Description: !Sub 'of \${AWS::StackName}' }
`);
    expect(resources).toEqual({
      Live: {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          Name: 'live',
          FunctionName: { Ref: 'Function' },
          FunctionVersion: { 'Fn::GetAtt': 'Version.Version' },
          RoutingConfig: {
            'Fn::If': [
              'Canary',
              { AdditionalVersionWeights: [{ FunctionVersion: { Ref: 'Next' } }] },
              { Ref: 'AWS::NoValue' },
            ],
          },
        },
      },
      Fixed: {
        Type: 'AWS::Lambda::Alias',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own.
        Properties: { FunctionVersion: '7', Description: { 'Fn::Sub': 'of ${AWS::StackName}' } },
      },
    });
  });

  it('are read from JSON as they are', () => {
    const Resources = { A: { Type: 'AWS::Lambda::Alias', Properties: { FunctionVersion: { Ref: 'V' } } } };
    expect(templateResources(JSON.stringify({ Resources }))).toEqual(Resources);
  });

  it.each([
    '',
    'null',
    'Resources: { A: { Type: !New x } }',
    'Resources: [',
    '{"Resources": 1}',
    'no template',
  ])('are none of %j', (body) => {
    expect(() => templateResources(body)).toThrow();
  });
});
