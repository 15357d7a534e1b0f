import type { AlbTarget } from '#policy/alb-target-schema.ts';

const account = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012';
export const groupArn = (name: string): string => `${account}:targetgroup/shop-${name}/0123456789abcdef`;
export const LISTENER_ARN = `${account}:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2`;
export const RULE_ARN = `${account}:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee`;

export const albTarget: AlbTarget = {
  kind: 'alb',
  ruleArn: RULE_ARN,
  targetGroups: { blue: groupArn('blue'), green: groupArn('green') },
};
/** The same behind the listener's default actions, with a third group. */
export const albTargetOfThree: AlbTarget = {
  kind: 'alb',
  ruleArn: LISTENER_ARN,
  targetGroups: { ...albTarget.targetGroups, amber: groupArn('amber') },
};
