import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  RegisterTaskDefinitionCommand,
  type Service,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import { albShifter } from '#rollout/adapters/alb-shifter.ts';
import { imageOf, isDigest, versionOfImage } from '#rollout/adapters/ecs-image.ts';
import { ecsShifter } from '#rollout/adapters/ecs-shifter.ts';
import { isAlone, isAt, shareOf } from '#rollout/routing.ts';
import { groupArn } from '../../builders/alb.ts';
import { digest, ecsTarget, REPOSITORY } from '../../builders/ecs.ts';
import { ecsControlPlane } from '../../fakes/ecs-control-plane.ts';
import { loadBalancerControlPlane } from '../../fakes/load-balancer-control-plane.ts';
import { trafficShifterContract } from '../traffic-shifter-contract.ts';

const [RUNNING, NEXT, OTHER] = [digest('a'), digest('b'), digest('c')];
const always = async () => true;

const forwardTo = (weights: Record<string, number>): Action => ({
  Type: 'forward',
  ForwardConfig: {
    TargetGroups: Object.entries(weights).map(([name, Weight]) => ({
      TargetGroupArn: groupArn(name),
      Weight,
    })),
  },
});

const over = (
  options: Partial<Parameters<typeof ecsControlPlane>[0]> = {},
  actions: readonly Action[] = [forwardTo({ blue: 100, green: 0 })],
  target: EcsTarget = ecsTarget,
) => {
  const ecs = ecsControlPlane({
    target,
    images: { blue: `${REPOSITORY}@${RUNNING}`, green: `${REPOSITORY}@${digest('0')}` },
    ...options,
  });
  const groups = Object.fromEntries(
    Object.values(target.services).map(({ service, targetGroupArn }) => [
      targetGroupArn,
      {
        get health() {
          return ecs.healthOf(service);
        },
      },
    ]),
  );
  const balancer = loadBalancerControlPlane({ ruleArn: target.ruleArn, groups, actions });
  const route = albShifter(balancer.client, undefined, async () => undefined);
  return { ecs, balancer, target, shifter: ecsShifter(ecs.client, balancer.client, route) };
};

const preparedFor = async (fixture: ReturnType<typeof over>, version = NEXT) => {
  const texts: string[] = [];
  for (let step = 0; step < 10; step += 1) {
    const found = await fixture.shifter.prepare(fixture.target, version, always);
    if (found.kind === 'ready') return texts;
    texts.push(found.text);
  }
  return expect.fail(texts.join('; '));
};

trafficShifterContract('ECS services behind an ALB rule', () => {
  const { shifter, balancer, target } = over();
  return {
    shifter,
    target,
    drift: () => balancer.put([forwardTo({ blue: 0, green: 100 })]),
    missingTarget: { ...target, ruleArn: target.ruleArn.replace('/shop/', '/nowhere/') },
    stable: RUNNING,
    canary: NEXT,
    other: OTHER,
    missing: 'latest',
    missingCode: 'not-a-digest',
  };
});

describe('preparing an ECS service', () => {
  it('gives the next image to the service without traffic, in the task definition of the one that has it', async () => {
    const fixture = over();
    await preparedFor(fixture);
    const [{ args: registered }] = fixture.ecs.mock.commandCalls(RegisterTaskDefinitionCommand) as [never];
    expect((registered as [{ input: object }])[0].input).toMatchObject({
      family: 'shop',
      taskRoleArn: 'arn:aws:iam::123456789012:role/shop-task',
      containerDefinitions: [
        { name: 'proxy', image: 'envoy:1' },
        { name: 'app', image: `${REPOSITORY}@${NEXT}`, environment: [{ name: 'REGION', value: 'eu' }] },
      ],
    });
    expect(fixture.ecs.imageOf('shop-green')).toBe(`${REPOSITORY}@${NEXT}`);
    expect(fixture.ecs.imageOf('shop-blue')).toBe(`${REPOSITORY}@${RUNNING}`);
    expect(fixture.ecs.mock.commandCalls(UpdateServiceCommand)).toHaveLength(1);
  });

  it('gives it as many tasks as the other one has, before any traffic', async () => {
    const fixture = over({ desiredCounts: { blue: 7, green: 0 } });
    await preparedFor(fixture);
    expect(fixture.ecs.service('shop-green')).toMatchObject({ desiredCount: 7, runningCount: 7 });
  });

  it('raises them again when the other one has grown meanwhile, also under traffic', async () => {
    const fixture = over();
    await preparedFor(fixture);
    fixture.ecs.change('shop-blue', { desiredCount: 9, runningCount: 9 });
    const { revision } = await fixture.shifter.readRouting(fixture.target);
    const weight = { stable: RUNNING, canary: NEXT, weightPercent: 50 };
    await fixture.shifter.setWeight(fixture.target, weight, revision);
    await preparedFor(fixture);
    expect(fixture.ecs.service('shop-green')).toMatchObject({ desiredCount: 9 });
    expect(isAt(await fixture.shifter.readRouting(fixture.target), weight)).toBe(true);
  });

  it('waits until the deployment is over, its tasks run, and the load balancer finds them healthy', async () => {
    const fixture = over({ looksToSettle: 3 });
    expect(await preparedFor(fixture)).toEqual([
      `service shop-green was told to run 3 tasks of ${NEXT}`,
      'service shop-green has 0 of 3 tasks running, and is still being deployed',
      'service shop-green has 0 of 3 tasks running, and is still being deployed',
      'service shop-green has 0 of 3 tasks running, and is still being deployed',
    ]);
    const ill = over();
    await preparedFor(ill);
    ill.ecs.healthOf = () => [];
    const unhealthy = loadBalancerControlPlane({
      ruleArn: ecsTarget.ruleArn,
      actions: [forwardTo({ blue: 100, green: 0 })],
      groups: { [groupArn('blue')]: {}, [groupArn('green')]: { health: [{ State: 'unhealthy' }] } },
    });
    const shifter = ecsShifter(ill.ecs.client, unhealthy.client);
    expect(await shifter.prepare(ecsTarget, NEXT, always)).toEqual({
      kind: 'waiting',
      text: '0 of 3 tasks of service shop-green are healthy to the load balancer',
    });
  });

  it('uses what somebody has put there already, whatever else is different in its task definition', async () => {
    const fixture = over({ images: { blue: `${REPOSITORY}@${RUNNING}`, green: `${REPOSITORY}@${NEXT}` } });
    await preparedFor(fixture);
    expect(fixture.ecs.mock.commandCalls(RegisterTaskDefinitionCommand)).toEqual([]);
    expect(fixture.ecs.mock.commandCalls(UpdateServiceCommand)).toEqual([]);
  });

  it('does nothing to the service once it may not', async () => {
    const { shifter, ecs, target } = over();
    expect(await shifter.prepare(target, NEXT, async () => false)).toMatchObject({ kind: 'waiting' });
    expect(ecs.mock.commandCalls(UpdateServiceCommand)).toEqual([]);
    await shifter.retire(target, async () => false);
    expect(ecs.mock.commandCalls(UpdateServiceCommand)).toEqual([]);
  });

  it('asks right before it changes the service, when everything slow is done', async () => {
    const { shifter, ecs, target } = over();
    const calls = async () => ecs.mock.calls().map(({ args: [command] }) => command.constructor.name);
    let before: readonly string[] = [];
    await shifter.prepare(target, NEXT, async () => {
      before = await calls();
      return true;
    });
    expect(before.at(-1)).toBe('RegisterTaskDefinitionCommand');
    expect(await calls()).toEqual([...before, 'UpdateServiceCommand']);
  });

  it('never deploys to a service that takes traffic', async () => {
    const fixture = over({}, [forwardTo({ blue: 90, green: 10 })]);
    await expect(fixture.shifter.prepare(fixture.target, NEXT, always)).rejects.toBeInstanceOf(ConflictError);
    expect(fixture.ecs.mock.commandCalls(UpdateServiceCommand)).toEqual([]);
  });

  it('says why ECS gave up, instead of waiting for it', async () => {
    const fixture = over();
    await fixture.shifter.prepare(fixture.target, NEXT, always);
    fixture.ecs.change('shop-green', {
      deployments: [
        { status: 'PRIMARY', rolloutState: 'FAILED', rolloutStateReason: 'tasks failed to start' },
      ],
    });
    expect(await fixture.shifter.prepare(fixture.target, NEXT, always)).toMatchObject({
      kind: 'unfit',
      code: 'failed-deployment',
      text: expect.stringMatching(/tasks failed to start/),
    });
  });
});

describe('the end of a release of an ECS service', () => {
  const promote = async (fixture: ReturnType<typeof over>) => {
    await preparedFor(fixture);
    const { revision } = await fixture.shifter.readRouting(fixture.target);
    await fixture.shifter.promote(fixture.target, NEXT, revision);
  };

  it('scales the service back that has no traffic any more, to what it is to keep', async () => {
    for (const idleTasks of [0, 2]) {
      const fixture = over({}, undefined, { ...ecsTarget, idleTasks });
      await promote(fixture);
      await fixture.shifter.retire(fixture.target, always);
      expect(fixture.ecs.service('shop-blue')).toMatchObject({ desiredCount: idleTasks });
      expect(fixture.ecs.service('shop-green')).toMatchObject({ desiredCount: 3 });
    }
  });

  it('finds the old version where it was, with the task definition that it had: a rollback deploys nothing', async () => {
    const fixture = over();
    await promote(fixture);
    await fixture.shifter.retire(fixture.target, always);
    fixture.ecs.mock.resetHistory();
    await preparedFor(fixture, RUNNING);
    expect(fixture.ecs.mock.commandCalls(RegisterTaskDefinitionCommand)).toEqual([]);
    expect(fixture.ecs.imageOf('shop-blue')).toBe(`${REPOSITORY}@${RUNNING}`);
  });

  it('leaves a service alone that has any traffic', async () => {
    const fixture = over();
    await preparedFor(fixture);
    fixture.balancer.put([forwardTo({ blue: 99, green: 1 })]);
    await fixture.shifter.retire(fixture.target, always);
    expect(fixture.ecs.service('shop-green')).toMatchObject({ desiredCount: 3 });
  });
});

describe('traffic that goes to an ECS service without tasks', () => {
  const [blue, green] = ['shop-blue', 'shop-green'];
  const promoted = async () => {
    const fixture = over();
    await preparedFor(fixture);
    const { revision } = await fixture.shifter.readRouting(fixture.target);
    await fixture.shifter.promote(fixture.target, NEXT, revision);
    return fixture;
  };
  const retired = async () => {
    const fixture = await promoted();
    await fixture.shifter.retire(fixture.target, always);
    fixture.ecs.change(blue, { runningCount: 0, pendingCount: 0 });
    return fixture;
  };
  const at = async ({ shifter, target }: ReturnType<typeof over>) => shifter.readRouting(target);

  it.each([
    { desiredCount: 0, runningCount: 0 },
    { desiredCount: 3, runningCount: 0 },
  ])('is never all of it: a promotion says what is missing (%o)', async (counts) => {
    const fixture = over();
    await preparedFor(fixture);
    fixture.ecs.change(green, counts);
    const { revision } = await at(fixture);
    const promotion = fixture.shifter.promote(fixture.target, NEXT, revision);
    await expect(promotion).rejects.toBeInstanceOf(ConflictError);
    await expect(promotion).rejects.toThrow(`runs 0 of ${counts.desiredCount} tasks`);
    expect(isAlone(await at(fixture), RUNNING)).toBe(true);
  });

  it('stays where it is until a restore after a promotion has tasks again, which it asks for', async () => {
    const fixture = await retired();
    const { shifter, target, ecs } = fixture;
    const restore = shifter.restore(target, RUNNING);
    await expect(restore).rejects.toBeInstanceOf(TransientError);
    await expect(restore).rejects.toThrow(/shop-blue runs 0 of 3 tasks.*stays with service shop-green/);
    expect(ecs.service(blue)).toMatchObject({ desiredCount: 3 });
    expect(isAlone(await at(fixture), NEXT)).toBe(true);
    ecs.change(blue, { runningCount: 1 });
    await expect(shifter.restore(target, RUNNING)).rejects.toBeInstanceOf(TransientError);
    ecs.change(blue, { runningCount: 2 });
    await shifter.restore(target, RUNNING);
    expect(isAlone(await at(fixture), RUNNING)).toBe(true);
  });

  it('has them asked for when it is there already: whoever gave them back was cut off before it could take them again', async () => {
    const fixture = await promoted();
    const { shifter, target, ecs } = fixture;
    await shifter.restore(target, RUNNING);
    ecs.change(blue, { desiredCount: 0, runningCount: 0 });
    await shifter.restore(target, RUNNING);
    expect(ecs.service(blue)).toMatchObject({ desiredCount: 3 });
    expect(isAlone(await at(fixture), RUNNING)).toBe(true);
  });

  it('keeps the other service until it has tasks: to give those back too would end all of it', async () => {
    const fixture = await promoted();
    const { shifter, target, ecs } = fixture;
    await shifter.restore(target, RUNNING);
    ecs.change(blue, { desiredCount: 0, runningCount: 0 });
    const retirement = shifter.retire(target, always);
    await expect(retirement).rejects.toBeInstanceOf(TransientError);
    await expect(retirement).rejects.toThrow(/shop-blue runs 0 of 3 tasks.*nothing is given back/);
    expect([blue, green].map((name) => ecs.service(name)?.desiredCount)).toEqual([3, 3]);
    ecs.change(blue, { runningCount: 3 });
    await shifter.retire(target, always);
    expect([blue, green].map((name) => ecs.service(name)?.desiredCount)).toEqual([3, 0]);
  });

  it('does not stay with tasks that do not run either', async () => {
    const fixture = await retired();
    fixture.ecs.change(green, { runningCount: 0 });
    await fixture.shifter.restore(fixture.target, RUNNING);
    expect(isAlone(await at(fixture), RUNNING)).toBe(true);
  });

  it('comes back at once, and no count is touched, while the stable version has its tasks', async () => {
    const fixture = await promoted();
    const { shifter, target, ecs } = fixture;
    ecs.mock.resetHistory();
    await shifter.restore(target, RUNNING);
    expect(ecs.mock.commandCalls(UpdateServiceCommand)).toEqual([]);
    expect(isAlone(await at(fixture), RUNNING)).toBe(true);
  });

  it('finds the tasks there again that were given back while it came', async () => {
    const fixture = await promoted();
    const { shifter, target, ecs } = fixture;
    const answers = [true, false];
    await shifter.retire(target, async () => answers.shift() ?? false);
    expect(ecs.service(blue)).toMatchObject({ desiredCount: 3 });
    await expect(
      shifter.retire(target, async () => {
        if (ecs.service(blue)?.desiredCount === 3) return true;
        throw new TransientError('no answer');
      }),
    ).rejects.toBeInstanceOf(TransientError);
    expect(ecs.service(blue)).toMatchObject({ desiredCount: 3 });
    await shifter.retire(target, async () => {
      fixture.balancer.put([forwardTo({ blue: 100, green: 0 })]);
      return true;
    });
    expect(ecs.service(blue)).toMatchObject({ desiredCount: 3 });
  });
});

describe('an ECS service that somebody else deploys to during a release', () => {
  const at50 = async () => {
    const fixture = over();
    await preparedFor(fixture);
    const { revision } = await fixture.shifter.readRouting(fixture.target);
    await fixture.shifter.setWeight(
      fixture.target,
      { stable: RUNNING, canary: NEXT, weightPercent: 50 },
      revision,
    );
    const { taskDefinitionArn = '' } = fixture.ecs.register({
      family: 'shop',
      containerDefinitions: [{ name: 'app', image: `${REPOSITORY}@${OTHER}` }],
    });
    return { ...fixture, theirs: taskDefinitionArn };
  };

  it('is seen in the routing, and stops a shift', async () => {
    const { ecs, shifter, target, theirs } = await at50();
    ecs.update('shop-green', { taskDefinition: theirs });
    const routing = await shifter.readRouting(target);
    expect(routing.weights).toEqual({ [OTHER]: 50 });
    const weight = { stable: RUNNING, canary: NEXT, weightPercent: 100 };
    await expect(shifter.setWeight(target, weight, routing.revision)).rejects.toThrow(/shop-green runs/);
    await expect(shifter.promote(target, NEXT, routing.revision)).rejects.toBeInstanceOf(ConflictError);
  });

  it('gets all traffic back when it was the stable one, and is not taken for what it was', async () => {
    const { ecs, shifter, target, theirs } = await at50();
    ecs.update('shop-blue', { taskDefinition: theirs });
    await shifter.restore(target, RUNNING);
    const routing = await shifter.readRouting(target);
    expect(shareOf(routing, NEXT)).toBe(0);
    expect(isAlone(routing, RUNNING)).toBe(false);
    expect(isAlone(routing, OTHER)).toBe(true);
  });
});

describe('an ECS target is refused, with the reason and what to do, before anything moves', () => {
  const green = (change: Partial<Service>) => ({ services: { green: change } });
  const blue = (change: Partial<Service>) => ({ services: { blue: change } });

  it.each<[string, string, RegExp, Parameters<typeof over>[0]]>([
    [
      'CodeDeploy deploys a service',
      'other-controller',
      /CODE_DEPLOY/,
      green({ deploymentController: { type: 'CODE_DEPLOY' } }),
    ],
    [
      'a service runs on every instance',
      'daemon',
      /can't be counted/,
      green({ schedulingStrategy: 'DAEMON' }),
    ],
    [
      'a service registers elsewhere',
      'other-target-group',
      /shop-green doesn't/,
      green({ loadBalancers: [] }),
    ],
    ['a service is gone', 'no-service', /shop\/shop-green/, green({ status: 'INACTIVE' })],
    [
      'a container has no image',
      'no-container',
      /no container app/,
      { images: { green: 'x:1' }, services: { blue: { taskDefinition: 'bare' } } },
    ],
    ['the running one has no tasks', 'no-tasks', /no tasks/, { desiredCounts: { blue: 0 } }],
    [
      'the running one is being deployed',
      'unsteady',
      /2 deployments/,
      blue({ deployments: [{ status: 'PRIMARY' }, { status: 'ACTIVE' }] }),
    ],
    ['the running one lacks tasks', 'unsteady', /1 of 3 tasks/, blue({ runningCount: 1 })],
  ])('when %s', async (_what, code, text, options) => {
    const { shifter, ecs, target } = over(options);
    if (code === 'no-container')
      ecs.mock.on(DescribeTaskDefinitionCommand).resolves({ taskDefinition: { containerDefinitions: [] } });
    expect(await shifter.inspect(target, NEXT)).toMatchObject({
      kind: 'unfit',
      code,
      text: expect.stringMatching(text),
    });
  });

  it('when its rule does not name the idle group: nothing would check the health of its tasks', async () => {
    const { shifter, target } = over({}, [forwardTo({ blue: 100 })]);
    expect(await shifter.inspect(target, NEXT)).toMatchObject({ code: 'group-not-in-rule' });
  });

  it('when there is no such cluster', async () => {
    const { shifter, target } = over();
    const elsewhere = { ...target, cluster: 'nowhere' };
    expect(await shifter.inspect(elsewhere, NEXT)).toMatchObject({ code: 'no-service' });
  });

  it.each(['1.4', 'latest', `${REPOSITORY}@${NEXT}`, 'sha256:abc'])(
    'when %s is asked for: that names no image for ever',
    async (version) => {
      const { shifter, target, ecs } = over();
      expect(await shifter.inspect(target, version)).toMatchObject({ code: 'not-a-digest' });
      expect(ecs.mock.calls()).toEqual([]);
    },
  );

  it('but not because the running image was deployed by a tag: that is what stable is called then', async () => {
    const { shifter, target } = over({ images: { blue: `${REPOSITORY}:1.4`, green: 'x:1' } });
    expect(await shifter.inspect(target, NEXT)).toEqual({
      kind: 'fit',
      snapshot: { stableVersion: '1.4', places: { '1.4': 'blue', [NEXT]: 'green' } },
    });
  });
});

describe('trouble with ECS', () => {
  it.each([DescribeServicesCommand, DescribeTaskDefinitionCommand])(
    'that passes is told as such, so that the workflow tries again: %o',
    async (command) => {
      const { shifter, target, ecs } = over();
      ecs.mock
        .on(command as typeof DescribeServicesCommand)
        .rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
      await expect(shifter.readRouting(target)).rejects.toBeInstanceOf(TransientError);
      await expect(shifter.inspect(target, NEXT)).rejects.toBeInstanceOf(TransientError);
    },
  );

  it('does not keep traffic on the canary: the primary is the stable one until a promotion', async () => {
    const fixture = over();
    await preparedFor(fixture);
    const { shifter, target, ecs, balancer } = fixture;
    const { revision } = await shifter.readRouting(target);
    await shifter.setWeight(target, { stable: RUNNING, canary: NEXT, weightPercent: 100 }, revision);
    ecs.mock
      .on(DescribeServicesCommand)
      .rejects(Object.assign(new Error('down'), { name: 'ServiceUnavailable' }));
    await shifter.restore(target, RUNNING);
    const [forward] = balancer.actionsOf(target.ruleArn);
    const held = forward?.ForwardConfig?.TargetGroups?.filter(({ Weight = 0 }) => Weight > 0);
    expect(held).toEqual([expect.objectContaining({ TargetGroupArn: groupArn('blue') })]);
    await expect(shifter.readRouting(target)).rejects.toBeInstanceOf(TransientError);
  });

  it('is none for a restore when the canary’s service is gone; it goes by the other one', async () => {
    const fixture = over();
    await preparedFor(fixture);
    const { shifter, target, ecs } = fixture;
    const { revision } = await shifter.readRouting(target);
    await shifter.setWeight(target, { stable: RUNNING, canary: NEXT, weightPercent: 50 }, revision);
    ecs.remove('shop-green');
    expect((await shifter.readRouting(target)).weights).toEqual({ green: 50 });
    await shifter.restore(target, RUNNING);
    expect(isAlone(await shifter.readRouting(target), RUNNING)).toBe(true);
    await expect(shifter.prepare(target, NEXT, always)).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('an image', () => {
  it.each([
    [`${REPOSITORY}@${NEXT}`, NEXT],
    [`${REPOSITORY}:1.4@${NEXT}`, NEXT],
    [`${REPOSITORY}:1.4`, '1.4'],
    ['registry:5000/shop', 'latest'],
    ['registry:5000/shop:2', '2'],
    ['nginx', 'latest'],
  ])('%s is known to releases as %s', (image, version) => {
    expect(versionOfImage(image)).toBe(version);
  });

  it('of another digest is in the same repository', () => {
    for (const image of [REPOSITORY, `${REPOSITORY}:1.4`, `${REPOSITORY}@${RUNNING}`])
      expect(imageOf(image, NEXT)).toBe(`${REPOSITORY}@${NEXT}`);
    expect(imageOf('registry:5000/shop:2', NEXT)).toBe(`registry:5000/shop@${NEXT}`);
  });

  it('is named by a digest only by all of it', () => {
    expect(isDigest(NEXT)).toBe(true);
    for (const text of ['sha256:', `${NEXT}0`, NEXT.toUpperCase(), `x${NEXT}`])
      expect(isDigest(text)).toBe(false);
  });
});
