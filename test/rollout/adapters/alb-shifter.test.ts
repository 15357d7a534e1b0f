import {
  type Action,
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
  ModifyListenerCommand,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import { albShifter } from '#rollout/adapters/alb-shifter.ts';
import { isAlone, isAt, shareOf } from '#rollout/routing.ts';
import type { CanaryWeight } from '#rollout/traffic-shifter.ts';
import { albTarget, albTargetOfThree, groupArn, RULE_ARN } from '../../builders/alb.ts';
import { type Group, loadBalancerControlPlane } from '../../fakes/load-balancer-control-plane.ts';
import { trafficShifterContract } from '../traffic-shifter-contract.ts';

const forwardTo = (weights: Record<string, number>, more: Action['ForwardConfig'] = {}): Action => ({
  Type: 'forward',
  Order: 9,
  ForwardConfig: {
    ...more,
    TargetGroups: Object.entries(weights).map(([name, Weight]) => ({
      TargetGroupArn: groupArn(name),
      Weight,
    })),
  },
});
const onBlue = forwardTo({ blue: 100, green: 0 });
const knownGroups = (overrides: Record<string, Group> = {}) =>
  Object.fromEntries(
    Object.entries({ blue: {}, green: {}, amber: {}, ...overrides }).map(([name, group]) => [
      groupArn(name),
      group,
    ]),
  );
const TESTER_RULE_ARN = `${RULE_ARN.slice(0, -16)}1111111111111111`;
const over = (options: Partial<Parameters<typeof loadBalancerControlPlane>[0]> = {}, target = albTarget) => {
  const plane = loadBalancerControlPlane({
    ruleArn: target.ruleArn,
    groups: knownGroups(),
    actions: [onBlue],
    ...options,
  });
  const late: { write?: readonly Action[]; testers?: readonly Action[] } = {};
  const pause = async () => {
    if (late.write !== undefined) plane.put(late.write);
    if (late.testers !== undefined) plane.put(late.testers, TESTER_RULE_ARN);
  };
  return { ...plane, late, shifter: albShifter(plane.client, undefined, pause) };
};

for (const [name, target] of [
  ['ALB rule', { ...albTargetOfThree, ruleArn: albTarget.ruleArn }],
  ['ALB listener', albTargetOfThree],
] as const)
  trafficShifterContract(name, () => {
    const { shifter, put } = over({}, target);
    return {
      shifter,
      drift: () => put([forwardTo({ blue: 50, green: 20, amber: 30 })]),
      target,
      missingTarget: { ...target, ruleArn: target.ruleArn.replace('/shop/', '/nowhere/') },
      stable: 'blue',
      canary: 'green',
      other: 'amber',
      missing: 'violet',
    };
  });

const withTesters = { ...albTarget, testerRuleArn: TESTER_RULE_ARN };
const testersOn = (name: string) => ({ otherRules: { [TESTER_RULE_ARN]: [forwardTo({ [name]: 1 })] } });

trafficShifterContract('ALB rule with testers', () => {
  const target = { ...withTesters, targetGroups: albTargetOfThree.targetGroups };
  const { shifter, put } = over(testersOn('blue'), target);
  return {
    shifter,
    drift: () => put([forwardTo({ amber: 1 })], TESTER_RULE_ARN),
    target,
    missingTarget: { ...target, ruleArn: target.ruleArn.replace('/shop/', '/nowhere/') },
    stable: 'blue',
    canary: 'green',
    other: 'amber',
    missing: 'violet',
  };
});

const inspect = (options: Parameters<typeof over>[0], version = 'green') =>
  over(options).shifter.inspect(albTarget, version);

describe('an ALB rule is refused, with the reason and what to do, before anything moves', () => {
  it.each<[string, string, RegExp, Parameters<typeof over>[0]]>([
    [
      'its stickiness overrides weights',
      'sticky',
      /turn it off/,
      {
        actions: [
          forwardTo(
            { blue: 1, green: 0 },
            { TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 60 } },
          ),
        ],
      },
    ],
    [
      'a group has sticky sessions',
      'sticky-sessions',
      /group blue .*turn them off/,
      {
        groups: knownGroups({ blue: { stickySessions: true } }),
      },
    ],
    [
      'the new group has no targets',
      'no-healthy-target',
      /register/,
      {
        groups: knownGroups({ green: { health: [] } }),
      },
    ],
    [
      'no target of the new group is healthy',
      'no-healthy-target',
      /\(initial, unhealthy\)/,
      {
        groups: knownGroups({ green: { health: [{ State: 'unhealthy' }, { State: 'initial' }] } }),
      },
    ],
    [
      'nothing checks the new group',
      'no-healthy-target',
      /weight of 0/,
      {
        groups: knownGroups({ green: { health: [{ State: 'unused', Reason: 'Target.NotInUse' }] } }),
      },
    ],
    [
      'it forwards to a group of someone else',
      'other-target-group',
      /shop-amber/,
      {
        actions: [forwardTo({ blue: 1, amber: 0 })],
      },
    ],
    ['it redirects', 'not-forwarding', /forward action/, { actions: [{ Type: 'redirect' }] }],
    ['it is a default rule', 'default-rule', /listener's ARN/, { isDefaultRule: true }],
    [
      'Cognito signs callers in',
      'authenticates-by-cognito',
      /user pool/,
      {
        actions: [{ Type: 'authenticate-cognito', Order: 1 }, onBlue],
      },
    ],
    ['every weight is zero', 'no-stable-version', /zero/, { actions: [forwardTo({ blue: 0, green: 0 })] }],
    [
      'the running group is gone',
      'no-stable-version',
      /gone/,
      {
        groups: { [groupArn('green')]: {} },
      },
    ],
    ['the new group is gone', 'no-version', /gone/, { groups: { [groupArn('blue')]: {} } }],
  ])('when %s', async (_what, code, text, options) => {
    expect(await inspect(options)).toMatchObject({ kind: 'unfit', code, text: expect.stringMatching(text) });
  });

  it('but not because one of several targets is ill, or a function as target has no health checks', async () => {
    for (const health of [
      [{ State: 'unhealthy' }, { State: 'healthy' }],
      [{ State: 'unavailable', Reason: 'Target.HealthCheckDisabled' }],
    ] as const)
      expect(await inspect({ groups: knownGroups({ green: { health } }) })).toMatchObject({ kind: 'fit' });
  });

  it('and is fit with one group by itself, as most infrastructure code writes it', async () => {
    const alone = { Type: 'forward', TargetGroupArn: groupArn('blue') } as const;
    expect(await inspect({ actions: [alone] })).toEqual({ kind: 'fit', snapshot: { stableVersion: 'blue' } });
    expect(await inspect({ actions: [alone] }, 'constructor')).toMatchObject({ code: 'no-version' });
  });
});

describe('a write to an ALB rule', () => {
  const canary = { stable: 'blue', canary: 'green', weightPercent: 25 };
  const revisionOf = async ({ shifter }: ReturnType<typeof over>) =>
    (await shifter.readRouting(albTarget)).revision;

  it('names every group, so that an idle one keeps its health checks, and ends stickiness', async () => {
    const fixture = over({ actions: [forwardTo({ blue: 1 })] });
    await fixture.shifter.restore(albTarget, 'blue');
    const [forward] = fixture.written[0] ?? [];
    expect(forward?.ForwardConfig?.TargetGroups).toContainEqual({
      TargetGroupArn: groupArn('green'),
      Weight: 0,
    });
    expect(forward?.ForwardConfig?.TargetGroupStickinessConfig).toEqual({ Enabled: false });
  });

  it('leaves what the rule does first as it is: a rollout must not take a sign-in away', async () => {
    const signIn: Action = {
      Type: 'authenticate-oidc',
      Order: 1,
      AuthenticateOidcConfig: {
        Issuer: 'https://id.example.com',
        AuthorizationEndpoint: 'https://id.example.com/authorize',
        TokenEndpoint: 'https://id.example.com/token',
        UserInfoEndpoint: 'https://id.example.com/user',
        ClientId: 'shop',
        UseExistingClientSecret: true,
      },
    };
    const fixture = over({ actions: [signIn, onBlue] });
    await fixture.shifter.setWeight(albTarget, canary, await revisionOf(fixture));
    await fixture.shifter.restore(albTarget, 'blue');
    for (const actions of fixture.written)
      expect(actions).toEqual([signIn, expect.objectContaining({ Order: 9 })]);
  });

  it.each<[string, readonly Action[]]>([
    ['other weights', [forwardTo({ blue: 50, green: 50 })]],
    ['the same weights by another write', [forwardTo({ blue: 300, green: 0 })]],
    ['stickiness', [forwardTo({ blue: 100, green: 0 }, { TargetGroupStickinessConfig: { Enabled: true } })]],
    ['another action', [{ Type: 'authenticate-cognito', Order: 1 }, onBlue]],
  ])('is refused when someone else set %s since it was read', async (_what, theirs) => {
    const fixture = over();
    const revision = await revisionOf(fixture);
    fixture.put(theirs);
    await expect(fixture.shifter.setWeight(albTarget, canary, revision)).rejects.toBeInstanceOf(
      ConflictError,
    );
    await expect(fixture.shifter.promote(albTarget, 'green', revision)).rejects.toBeInstanceOf(ConflictError);
    expect(fixture.written).toEqual([]);
    await fixture.shifter.restore(albTarget, 'blue');
    expect(isAlone(await fixture.shifter.readRouting(albTarget), 'blue')).toBe(true);
  });

  it('does not depend on the order in which AWS tells groups', async () => {
    const fixture = over();
    const revision = await revisionOf(fixture);
    fixture.put([forwardTo({ green: 0, blue: 100 })]);
    await fixture.shifter.setWeight(albTarget, canary, revision);
    expect(isAt(await fixture.shifter.readRouting(albTarget), canary)).toBe(true);
  });

  it('is never made to a group that the target does not name, nor to a rule that is gone', async () => {
    const fixture = over();
    await expect(fixture.shifter.restore(albTarget, 'violet')).rejects.toBeInstanceOf(NotFoundError);
    const gone = { ...albTarget, ruleArn: albTarget.ruleArn.replace('/shop/', '/gone/') };
    await expect(fixture.shifter.restore(gone, 'blue')).rejects.toBeInstanceOf(NotFoundError);
    await expect(fixture.shifter.readRouting(gone)).rejects.toBeInstanceOf(NotFoundError);
    expect(fixture.written).toEqual([]);
  });
});

describe('testers of an ALB target', () => {
  const at = (weightPercent: number) => ({ stable: 'blue', canary: 'green', weightPercent });
  const made = (options = testersOn('blue')) => {
    const fixture = over(options, withTesters);
    const read = () => fixture.shifter.readRouting(withTesters);
    const set = async (weight: CanaryWeight) =>
      fixture.shifter.setWeight(withTesters, weight, (await read()).revision);
    return { ...fixture, read, set };
  };

  it('get the canary at any weight, and are back with everyone else after a restore', async () => {
    const { shifter, read, set } = made();
    for (const weightPercent of [1, 50]) {
      await set(at(weightPercent));
      expect((await read()).testers).toBe('green');
    }
    await shifter.restore(withTesters, 'blue');
    expect(await read()).toMatchObject({ primary: 'blue', weights: {}, testers: 'blue' });
  });

  it('stay with the version that is promoted', async () => {
    const { shifter, read, set } = made();
    await set(at(100));
    await shifter.promote(withTesters, 'green', (await read()).revision);
    expect(isAlone(await read(), 'green')).toBe(true);
  });

  it('move before everyone else when a version is promoted at once, so that it can be made good after a cut', async () => {
    const { shifter, read, writtenTo, put } = made();
    await shifter.promote(withTesters, 'green', (await read()).revision);
    expect(isAlone(await read(), 'green')).toBe(true);
    expect(writtenTo).toEqual([TESTER_RULE_ARN, RULE_ARN]);
    put([onBlue]);
    expect(isAt(await read(), at(0))).toBe(true);
    await shifter.promote(withTesters, 'green', (await read()).revision);
    expect(isAlone(await read(), 'green')).toBe(true);
  });

  it('are not promoted when someone else moved anything since it was read', async () => {
    const { shifter, read, put, writtenTo } = made();
    const { revision } = await read();
    put([forwardTo({ blue: 300, green: 0 })]);
    await expect(shifter.promote(withTesters, 'green', revision)).rejects.toBeInstanceOf(ConflictError);
    expect(writtenTo).toEqual([]);
  });

  it('get it before anybody does, when it is only to be looked at', async () => {
    const { read, set } = made();
    await set({ ...at(0), preview: true });
    expect(isAt(await read(), { ...at(0), preview: true })).toBe(true);
    expect(isAlone(await read(), 'blue')).toBe(false);
    await set(at(0));
    expect(isAlone(await read(), 'blue')).toBe(true);
  });

  it('move first on the way forward and last on the way back, so that a cut between the two can be made good', async () => {
    const { shifter, set, writtenTo } = made();
    await set(at(5));
    await set(at(10));
    await shifter.restore(withTesters, 'blue');
    expect(writtenTo).toEqual([TESTER_RULE_ARN, RULE_ARN, RULE_ARN, RULE_ARN, TESTER_RULE_ARN]);
  });

  it('who moved alone, because a shift was cut off, leave it where it may be made again', async () => {
    const { read, put } = made();
    put([forwardTo({ green: 1 })], TESTER_RULE_ARN);
    expect(isAt(await read(), at(0))).toBe(true);
    expect(isAlone(await read(), 'blue')).toBe(false);
  });

  it('are brought back once more when a shift of theirs arrives right after a restore', async () => {
    const { shifter, read, late } = made();
    late.testers = [forwardTo({ green: 1 })];
    await shifter.restore(withTesters, 'blue');
    expect(isAlone(await read(), 'blue')).toBe(true);
  });

  it('are no reason not to bring traffic back, when their rule is gone', async () => {
    const { shifter, read, set, remove } = made();
    await set(at(5));
    remove(TESTER_RULE_ARN);
    await shifter.restore(withTesters, 'blue');
    expect(isAlone(await read(), 'blue')).toBe(true);
  });

  it.each<[string, string, Parameters<typeof over>[0]]>([
    ['their rule is not there', 'no-tester-rule', {}],
    ['their rule redirects', 'not-forwarding', { otherRules: { [TESTER_RULE_ARN]: [{ Type: 'redirect' }] } }],
    ['they are elsewhere already', 'already-weighted', testersOn('green')],
  ])('refuse a release when %s', async (_what, code, options) => {
    expect(await over(options, withTesters).shifter.inspect(withTesters, 'green')).toMatchObject({ code });
  });
});

describe('an experiment on an ALB target', () => {
  it('keeps callers with the version that they met first, until it ends', async () => {
    const { shifter, written } = over();
    const half = { stable: 'blue', canary: 'green', weightPercent: 50 } as const;
    const { revision } = await shifter.readRouting(albTarget);
    await shifter.setWeight(albTarget, { ...half, sticky: true }, revision);
    expect(written[0]?.[0]?.ForwardConfig?.TargetGroupStickinessConfig).toEqual({
      Enabled: true,
      DurationSeconds: 604_800,
    });
    const routing = await shifter.readRouting(albTarget);
    expect(isAt(routing, { ...half, sticky: true })).toBe(true);
    expect(isAt(routing, half)).toBe(false);
    await shifter.restore(albTarget, 'blue');
    expect(isAlone(await shifter.readRouting(albTarget), 'blue')).toBe(true);
  });
});

describe('a shift that was compared before a restore and arrives after it', () => {
  const canaryAt5 = [forwardTo({ blue: 95, green: 5 })];

  it('is undone by a restore that must win', async () => {
    const { shifter, late } = over();
    late.write = canaryAt5;
    await shifter.restore(albTarget, 'blue');
    expect(isAlone(await shifter.readRouting(albTarget), 'blue')).toBe(true);
  });

  it('is told by a restore on a condition: it may be a later release, so who asked looks again', async () => {
    const { shifter, late } = over();
    late.write = canaryAt5;
    const { revision } = await shifter.readRouting(albTarget);
    await expect(shifter.restore(albTarget, 'blue', revision)).rejects.toBeInstanceOf(ConflictError);
    expect(shareOf(await shifter.readRouting(albTarget), 'green')).toBe(5);
  });
});

describe('trouble with Elastic Load Balancing', () => {
  const failing = (error: Error) => {
    const fixture = over();
    for (const command of [
      DescribeListenersCommand,
      DescribeRulesCommand,
      DescribeTargetGroupAttributesCommand,
      DescribeTargetHealthCommand,
      ModifyListenerCommand,
      ModifyRuleCommand,
    ] as const)
      fixture.mock.on(command as typeof DescribeRulesCommand).rejects(error);
    return fixture.shifter;
  };
  const named = (name: string) => Object.assign(new Error(name), { name });

  it.each(['Throttling', 'RequestLimitExceeded', 'PriorRequestNotCompleteException', 'TimeoutError'])(
    'that passes is told as such, so that the workflow tries again: %s',
    async (name) => {
      const shifter = failing(named(name));
      await expect(shifter.readRouting(albTarget)).rejects.toBeInstanceOf(TransientError);
      await expect(shifter.inspect(albTarget, 'green')).rejects.toBeInstanceOf(TransientError);
      await expect(shifter.restore(albTarget, 'blue')).rejects.toBeInstanceOf(TransientError);
    },
  );

  it.each([DescribeTargetGroupAttributesCommand, DescribeTargetHealthCommand])(
    'half way through an inspection is not taken for a finding: %o',
    async (command) => {
      const { shifter, mock } = over();
      mock.on(command as typeof DescribeTargetHealthCommand).rejects(named('Throttling'));
      await expect(shifter.inspect(albTarget, 'green')).rejects.toBeInstanceOf(TransientError);
    },
  );

  it("stays what it is when it won't pass: a missing permission", async () => {
    const shifter = failing(named('AccessDenied'));
    await expect(shifter.restore(albTarget, 'blue')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(shifter.inspect(albTarget, 'green')).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
