import { describe, expect, it } from 'vitest';
import { regionOf, type Target, targetIdentity, targetSchema } from '#policy/target.ts';
import { albTarget, LISTENER_ARN, RULE_ARN } from '../builders/alb.ts';
import { flagTarget } from '../builders/appconfig.ts';
import { ecsTarget } from '../builders/ecs.ts';
import { checkoutTarget } from '../builders/release.ts';
import { customTarget } from '../fakes/custom-shifter-function.ts';

const TESTER_RULE_ARN = `${RULE_ARN.slice(0, -16)}1111111111111111`;
const elsewhere = (arn: string): string => arn.replace('eu-central-1', 'eu-west-1');

describe('a target', () => {
  it.each<[string, Target]>([
    ['an alias', checkoutTarget],
    ['an alias elsewhere', { ...checkoutTarget, region: 'us-gov-west-1' }],
    ['a rule', albTarget],
    ['a rule with testers', { ...albTarget, testerRuleArn: TESTER_RULE_ARN }],
    ['ECS services', { ...ecsTarget, testerRuleArn: TESTER_RULE_ARN, idleTasks: 3 }],
    ['a feature flag', { ...flagTarget, region: 'ap-southeast-2' }],
    ['a custom one', { ...customTarget, region: 'eu-west-1' }],
  ])('can be %s', (_what, target) => {
    expect(targetSchema.parse(target)).toEqual(target);
  });

  const { blue, green } = ecsTarget.services;
  it.each<[string, object, RegExp]>([
    ['a region that is none', { ...checkoutTarget, region: 'everywhere' }, /region/],
    ['testers by the same rule', { ...albTarget, testerRuleArn: RULE_ARN }, /another rule/],
    ['testers by a listener', { ...albTarget, testerRuleArn: LISTENER_ARN }, /not a listener/],
    [
      'testers of another load balancer',
      { ...albTarget, testerRuleArn: TESTER_RULE_ARN.replace('/shop/', '/cart/') },
      /same load balancer/,
    ],
    [
      'a group in another region',
      {
        ...albTarget,
        targetGroups: { ...albTarget.targetGroups, green: elsewhere(albTarget.targetGroups.green ?? '') },
      },
      /same region/,
    ],
    ['one ECS service', { ...ecsTarget, services: { blue } }, /two services/],
    [
      'one ECS service twice',
      { ...ecsTarget, services: { blue, green: { ...green, service: 'shop-blue' } } },
      /once/,
    ],
    [
      'one group for both services',
      { ...ecsTarget, services: { blue, green: { ...green, targetGroupArn: blue?.targetGroupArn } } },
      /once/,
    ],
    [
      'a cluster by its ARN',
      { ...ecsTarget, cluster: 'arn:aws:ecs:eu-central-1:1:cluster/shop' },
      /not an ARN/,
    ],
    ['a flag by its name', { ...flagTarget, profileId: 'My Flags' }, /id that AppConfig made/],
    ['a context key with its sign', { ...flagTarget, splitBy: '$userId' }, /without \$/],
    ['a rule as text in the key', { ...flagTarget, splitBy: 'a) (eq 1 1' }, /key of the context/],
  ])('is refused with %s', (_what, target, message) => {
    const { success, error } = targetSchema.safeParse(target);
    expect(success).toBe(false);
    expect(error?.message).toMatch(message);
  });
});

describe('the identity of a target', () => {
  it('is one for every declaration that moves the same traffic', () => {
    const same: readonly (readonly [Target, Target])[] = [
      [albTarget, { ...albTarget, testerRuleArn: TESTER_RULE_ARN }],
      [albTarget, ecsTarget],
      [flagTarget, { ...flagTarget, flag: 'other', profileId: 'zzz9999' }],
      [customTarget, { ...customTarget, parameters: { pool: 'other' } }],
    ];
    for (const [one, other] of same) expect(targetIdentity(one)).toBe(targetIdentity(other));
  });

  it('is another in another region', () => {
    for (const target of [checkoutTarget, flagTarget, customTarget])
      expect(targetIdentity({ ...target, region: 'eu-west-1' })).not.toBe(targetIdentity(target));
    expect(targetIdentity({ ...albTarget, ruleArn: elsewhere(RULE_ARN) })).not.toBe(
      targetIdentity(albTarget),
    );
  });

  it('is none that two kinds of target share by chance', () => {
    const all = [checkoutTarget, albTarget, flagTarget, customTarget].map(targetIdentity);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('the region of a target', () => {
  it('is said, or is in the ARN that names it, or goes without saying', () => {
    expect(
      [checkoutTarget, { ...checkoutTarget, region: 'eu-west-1' }, albTarget, ecsTarget].map(regionOf),
    ).toEqual([undefined, 'eu-west-1', 'eu-central-1', 'eu-central-1']);
  });
});
