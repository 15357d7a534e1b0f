import { describe, expect, it } from 'vitest';
import { planOf } from '#policy/plan.ts';
import { alarmFinding } from '#rollout/doctor/alarm-finding.ts';
import { metricFindings, type Recent, requestRate } from '#rollout/doctor/metric-findings.ts';
import { neededGrants } from '#rollout/doctor/needed-grants.ts';
import { planFinding } from '#rollout/doctor/plan-finding.ts';
import { probeFinding } from '#rollout/doctor/probe-finding.ts';
import { ownershipFinding, permissionFinding } from '#rollout/doctor/target-findings.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { albTarget, albTargetOfThree, LISTENER_ARN, RULE_ARN } from '../../builders/alb.ts';
import { aWave, checkoutTarget } from '../../builders/release.ts';

const { metrics } = aWave();

const recent = (...counts: readonly ArmCounts[]): Recent => ({
  stableVersion: '7',
  seconds: 600,
  periods: counts.map((baseline, index) => ({ start: index, facts: { baseline } })),
});
const statuses = (of: Recent, definition: typeof metrics = metrics) =>
  metricFindings(checkoutTarget, definition, of).map(({ check, status }) => [check, status]);

describe('metrics', () => {
  it('are complete when requests, errors and latency are known', () => {
    expect(
      statuses(recent({ requests: 300, errors: 0, latencyMs: { p95: 9 } }, { requests: 300, errors: 2 })),
    ).toEqual([
      ['metrics', 'ok'],
      ['errors', 'ok'],
      ['latency', 'ok'],
    ]);
  });

  it('are missed when there are none, and when there are no requests', () => {
    for (const none of [recent(), recent({ requests: 0, errors: 0 })])
      expect(metricFindings(checkoutTarget, metrics, none)).toMatchObject([
        {
          check: 'metrics',
          status: 'warn',
          text: expect.stringMatching(/version 7 .*nobody calls checkout through alias live/),
        },
      ]);
  });

  it('without errors could never say that a version is good: that fails, with the metric that is missing', () => {
    const serverErrors = { namespace: 'Shop', metricName: 'ServerErrors' };
    const http = { ...metrics, invokedBy: 'http', serverErrors } as typeof metrics;
    const [, errors] = metricFindings(checkoutTarget, http, recent({ requests: 5 }));
    expect(errors).toMatchObject({
      check: 'errors',
      status: 'fail',
      text: expect.stringMatching(/put metric ServerErrors in Shop .*0 for one that is no error/),
    });
  });

  it('without latency are judged by less', () => {
    expect(statuses(recent({ requests: 5, errors: 0, slowerThan: {} }))).toContainEqual(['latency', 'warn']);
  });

  it('tell how much traffic there is', () => {
    expect(requestRate(recent({ requests: 300 }, { requests: 900 }))).toBe(2);
    expect(requestRate(recent({ errors: 1 }))).toBeUndefined();
  });
});

describe('the plan', () => {
  const policy = judgePolicySchema.parse({});
  const plan = planOf('standard');
  const at = (requestsPerSecond: number, overrides: Partial<typeof policy> = {}) =>
    planFinding(plan, { ...policy, ...overrides }, { requestsPerSecond, settleSeconds: 150 });

  it('says how long a release takes', () => {
    // 180 + 180 + 450 + 60 s of rounds, and four times 150 s to settle.
    expect(at(100)).toMatchObject({ status: 'ok', text: expect.stringContaining('takes about 25 min') });
  });

  it('counts the wait for requests where it is longer than the rounds', () => {
    // 100 requests at 5 % of 5 a second take 400 s where the rounds take 180.
    expect(at(5)).toMatchObject({ status: 'ok', text: expect.stringContaining('takes about 29 min') });
  });

  it('fails a stage that would be at its deadline before it has its requests, in numbers', () => {
    // Three rounds of 60 s, thrice, and ten minutes: 1,140 s; 100 requests at 5 % of one a second take 2,000.
    expect(at(1)).toMatchObject({
      status: 'fail',
      text: expect.stringMatching(
        /1\.0 requests a second stage 1 \(5 %\) has its 100 requests after 34 min.*after 19 min/,
      ),
    });
    expect(at(1, { minimumCanaryRequests: 50 }).status).toBe('ok');
  });

  it('is not known without traffic, and needs none where probes decide', () => {
    expect(at(0).status).toBe('unknown');
    expect(planFinding(plan, policy, undefined).status).toBe('unknown');
    expect(at(0, { measures: 'probes-only' }).status).toBe('ok');
  });
});

describe('probes', () => {
  const definition = { url: 'https://new.example/up', timeoutSeconds: 1, attemptsPerLook: 3 } as const;
  const probed = (successes: number) => ({ attempts: 3, successes });

  it.each([
    ['ok', 'all succeed', definition, { probes: probed(3) }],
    [
      'warn',
      'the new version’s fail: before a release nobody may be there',
      definition,
      { probes: probed(0) },
    ],
    ['fail', 'none was made', definition, {}],
    [
      'fail',
      'the stable version’s fail',
      { ...definition, baselineUrl: 'https://shop.example/up' },
      { probes: probed(3), baselineProbes: probed(2) },
    ],
    [
      'fail',
      'none of the stable version was made',
      { ...definition, baselineUrl: 'https://shop.example/up' },
      { probes: probed(3) },
    ],
  ] as const)('are %s when %s', (status, _, asked, counts) => {
    expect(probeFinding(asked, { counts, troubles: ['status 503'] }).status).toBe(status);
  });
});

describe('permissions', () => {
  it('name who may not do what', () => {
    const missing = { who: 'restore-traffic', action: 'lambda:UpdateAlias', resource: 'arn:x' };
    expect(permissionFinding([missing])).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('restore-traffic may not lambda:UpdateAlias on arn:x'),
    });
    expect(permissionFinding([]).status).toBe('ok');
  });

  it('are those that the shifter of the target’s kind uses', () => {
    const actions = (target: Parameters<typeof neededGrants>[0]) =>
      neededGrants(target, 'arn:aws:lambda:here:us:function').map(
        ({ action, resource }) => `${action} ${resource}`,
      );
    expect(actions(checkoutTarget)).toEqual([
      'lambda:GetAlias arn:aws:lambda:here:us:function:checkout',
      'lambda:UpdateAlias arn:aws:lambda:here:us:function:checkout',
    ]);
    expect(actions(albTarget)).toEqual([
      'elasticloadbalancing:DescribeRules *',
      `elasticloadbalancing:ModifyRule ${RULE_ARN}`,
    ]);
    expect(actions(albTargetOfThree)).toContain(`elasticloadbalancing:ModifyListener ${LISTENER_ARN}`);
    const custom = { kind: 'custom', functionName: 'edge', alias: 'live', parameters: {} } as const;
    expect(actions(custom)).toEqual(['lambda:InvokeFunction arn:aws:lambda:here:us:function:edge:live']);
  });

  it('are in the region that the target is in', () => {
    const [first] = neededGrants({ ...checkoutTarget, region: 'there' }, 'arn:aws:lambda:here:us:function');
    expect(first?.resource).toBe('arn:aws:lambda:there:us:function:checkout');
    const flag = {
      kind: 'appconfig-flag',
      applicationId: 'abc1234',
      environmentId: 'def5678',
      profileId: 'ghi9012',
      flag: 'pricing',
      splitBy: 'userId',
      deploymentStrategyId: 'str1234',
      region: 'there',
    } as const;
    for (const { resource } of neededGrants(flag, 'arn:aws:lambda:here:us:function'))
      expect(resource).toMatch(/^arn:aws:appconfig:there:us:application\/abc1234\//);
  });

  it('of an ECS target are asked of everyone who may need its tasks, and of those alone who deploy a task definition', () => {
    const services = {
      blue: { service: 'shop-blue', targetGroupArn: 'arn:blue' },
      green: { service: 'shop-green', targetGroupArn: 'arn:green' },
    };
    const ecs = {
      kind: 'ecs',
      ruleArn: RULE_ARN,
      cluster: 'shop',
      container: 'app',
      idleTasks: 0,
      services,
    } as const;
    const needed = neededGrants(ecs, 'arn:aws:lambda:here:us:function');
    const updates = needed.filter(({ action }) => action === 'ecs:UpdateService');
    const writers = ['heed-alarm', 'obey-command', 'promote-version', 'restore-traffic', 'retire-targets'];
    for (const { by } of updates)
      expect(by.toSorted()).toEqual([...writers, 'shift-traffic', 'take-command']);
    const registers = needed.filter(({ action }) => action === 'ecs:RegisterTaskDefinition');
    expect(registers.map(({ by }) => by)).toEqual([['shift-traffic', 'promote-version']]);
    expect(updates.map(({ resource }) => resource)).toEqual(
      Object.values(services).map(
        ({ service }) => `arn:aws:ecs:${RULE_ARN.split(':')[3]}:us:service/shop/${service}`,
      ),
    );
    const retired = needed.filter(({ by }) => by.includes('retire-targets')).map(({ action }) => action);
    expect(new Set(retired)).toEqual(
      new Set([
        'elasticloadbalancing:DescribeRules',
        'ecs:DescribeServices',
        'ecs:DescribeTaskDefinition',
        'ecs:UpdateService',
      ]),
    );
  });
});

describe('guard alarms', () => {
  const OK = { name: 'errors', state: 'OK' } as const;
  it.each([
    ['ok', { alarms: [OK], unknown: [] }, /errors/],
    ['fail', { alarms: [OK], unknown: ['latency'] }, /no guard alarm latency .* right names/],
    ['fail', { alarms: [OK, { name: 'latency', state: 'ALARM' }], unknown: [] }, /latency is in ALARM/],
    [
      'warn',
      { alarms: [OK, { name: 'latency', state: 'INSUFFICIENT_DATA' }], unknown: [] },
      /latency has no/,
    ],
  ] as const)('are %s when they are %j', (status, guards, text) => {
    expect(alarmFinding(guards)).toMatchObject({
      check: 'alarms',
      status,
      text: expect.stringMatching(text),
    });
  });
});

describe('ownership', () => {
  const inStack = { stack: 'shop', logicalId: 'Alias' };
  it.each([
    ['ok', { kind: 'unmanaged' }, /Terraform.*can't be seen/],
    ['ok', { kind: 'pinned', ...inStack }, /stack shop with a fixed value/],
    ['fail', { kind: 'managed', ...inStack, attribute: 'FunctionVersion' }, /its FunctionVersion.*CfnAlias/],
    ['unknown', { kind: 'unknown', text: 'nobody answered' }, /nobody answered/],
  ] as const)('is %s when the target is %j', (status, owner, text) => {
    expect(ownershipFinding(checkoutTarget, owner)).toMatchObject({
      status,
      text: expect.stringMatching(text),
    });
  });
});
