import { describe, expect, it } from 'vitest';
import type { Target } from '#policy/target.ts';
import { permittedTargets, type TargetLists } from '#rollout/permitted-targets.ts';
import { albTarget, LISTENER_ARN, RULE_ARN } from '../builders/alb.ts';
import { flagTarget } from '../builders/appconfig.ts';
import { ecsTarget } from '../builders/ecs.ts';
import { CANARY, checkoutTarget, STABLE } from '../builders/release.ts';
import { memoryShifter } from '../fakes/memory-shifter.ts';

const shifter = memoryShifter({ versions: [STABLE, CANARY] });
const nothing: TargetLists = { albRules: [], ecsServices: [], appConfigFlags: [], regions: ['eu-central-1'] };
const inspect = (lists: Partial<TargetLists>, target: Target) =>
  permittedTargets(shifter, { ...nothing, ...lists }).inspect(target, CANARY);
const TESTER_RULE_ARN = `${RULE_ARN.slice(0, -16)}1111111111111111`;

describe('a target that the stage may not move', () => {
  const ecs = { albRules: [RULE_ARN], ecsServices: ['shop/shop-blue', 'shop/shop-green'] };
  const flags = { appConfigFlags: ['abc1234/def5678/ghi9012'] };

  it.each<[string, Partial<TargetLists>, Target, string | undefined]>([
    ['a rule that is not listed', {}, albTarget, 'albRules'],
    ['a rule where another one is listed', { albRules: [LISTENER_ARN] }, albTarget, 'albRules'],
    ['a listed rule', { albRules: [LISTENER_ARN, RULE_ARN] }, albTarget, undefined],
    [
      "a listed rule whose testers' rule is not",
      { albRules: [RULE_ARN] },
      { ...albTarget, testerRuleArn: TESTER_RULE_ARN },
      'albRules',
    ],
    ['services whose rule is not listed', { ...ecs, albRules: [] }, ecsTarget, 'albRules'],
    [
      'services of which one is not listed',
      { ...ecs, ecsServices: ['shop/shop-blue'] },
      ecsTarget,
      'ecsServices',
    ],
    ['listed services', ecs, ecsTarget, undefined],
    ['a flag that is not listed', {}, flagTarget, 'appConfigFlags'],
    ['a listed flag', flags, flagTarget, undefined],
    ['another region', flags, { ...flagTarget, region: 'eu-west-1' }, 'targetRegions'],
    [
      'a listed region',
      { ...flags, regions: ['eu-central-1', 'eu-west-1'] },
      { ...flagTarget, region: 'eu-west-1' },
      undefined,
    ],
    [
      'a rule of another region, by its ARN',
      { albRules: [RULE_ARN], regions: ['us-east-1'] },
      albTarget,
      'targetRegions',
    ],
  ])('is told before anything moves, with the setting: %s', async (_what, lists, target, setting) => {
    const found = await inspect(lists, target);
    if (setting === undefined) expect(found).toMatchObject({ kind: 'fit' });
    else expect(found).toMatchObject({ code: 'not-permitted', text: expect.stringContaining(setting) });
  });

  it('is left to AWS to refuse where reading it already needs the grant', async () => {
    expect(await inspect({}, checkoutTarget)).toMatchObject({ kind: 'fit' });
  });
});
