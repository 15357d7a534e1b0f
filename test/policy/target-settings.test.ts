import { describe, expect, it } from 'vitest';
import { missingSetting, targetSettingsVariable } from '#policy/target-settings.ts';
import { albTarget, RULE_ARN } from '../builders/alb.ts';
import { checkoutTarget } from '../builders/release.ts';

const settings = {
  lambdaTargets: ['checkout', 'pay-*'],
  albRules: [RULE_ARN],
  ecsServices: ['shop/blue', 'shop/green'],
  appConfigFlags: ['abc1234/def5678/ghi9012'],
  shifterFunctions: ['edge'],
  targetRegions: ['eu-west-1'],
};
const OWN = RULE_ARN.split(':')[3] ?? '';
const ecs = {
  kind: 'ecs',
  ruleArn: RULE_ARN,
  cluster: 'shop',
  container: 'app',
  idleTasks: 0,
  services: {
    blue: { service: 'blue', targetGroupArn: 'arn:blue' },
    green: { service: 'green', targetGroupArn: 'arn:green' },
  },
} as const;
const flag = {
  kind: 'appconfig-flag',
  applicationId: 'abc1234',
  environmentId: 'def5678',
  profileId: 'ghi9012',
  flag: 'pricing',
  splitBy: 'userId',
  deploymentStrategyId: 'str1234',
} as const;
const custom = { kind: 'custom', functionName: 'edge', alias: 'live', parameters: {} } as const;

describe('the stage’s settings', () => {
  it('name targets by name, by a beginning, by ARN', () => {
    for (const target of [
      checkoutTarget,
      { ...checkoutTarget, functionName: 'pay-out' },
      albTarget,
      ecs,
      flag,
      custom,
      { ...checkoutTarget, region: 'eu-west-1' },
    ])
      expect(missingSetting(target, settings, OWN)).toBeUndefined();
  });

  it.each([
    [{ ...checkoutTarget, functionName: 'checkout-2' }, 'lambdaTargets', 'checkout-2'],
    [{ ...checkoutTarget, functionName: 'pay' }, 'lambdaTargets', 'pay'],
    [{ ...albTarget, ruleArn: `${RULE_ARN}0` }, 'albRules', `${RULE_ARN}0`],
    [{ ...albTarget, testerRuleArn: `${RULE_ARN}1` }, 'albRules', `${RULE_ARN}1`],
    [{ ...ecs, cluster: 'till' }, 'ecsServices', 'till/blue'],
    [{ ...flag, profileId: 'other12' }, 'appConfigFlags', 'abc1234/def5678/other12'],
    [{ ...checkoutTarget, region: 'eu-west-3' }, 'targetRegions', 'eu-west-3'],
    [{ ...custom, functionName: 'edge-2' }, 'shifterFunctions', 'edge-2'],
  ] as const)('that miss one are told by name, with what to add: %j', (target, setting, value) => {
    expect(missingSetting(target, settings, OWN)).toEqual({ setting, value });
  });

  it('come as one variable, whole or not at all', () => {
    expect(targetSettingsVariable.parse(JSON.stringify(settings))).toEqual(settings);
    expect(targetSettingsVariable.safeParse('{"lambdaTargets":[]}').success).toBe(false);
  });
});
