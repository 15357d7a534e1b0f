import type { ECSClient } from '@aws-sdk/client-ecs';
import {
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { orTransient } from '#platform/aws-errors.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import { type AlbShifter, albShifter } from '#rollout/adapters/alb-shifter.ts';
import { examineEcs, inspectEcs } from '#rollout/adapters/ecs-inspection.ts';
import { ecsServices, type Slot } from '#rollout/adapters/ecs-services.ts';
import { steadiness } from '#rollout/adapters/ecs-steadiness.ts';
import { describeRouting } from '#rollout/routing.ts';
import type { MayWrite, Preparation, Routing, TrafficShifter } from '#rollout/traffic-shifter.ts';

/** The rule in front of the services, as a target whose versions are the names of the two. */
const routeOf = ({ ruleArn, testerRuleArn, services }: EcsTarget): AlbTarget => ({
  kind: 'alb',
  ruleArn,
  ...(testerRuleArn !== undefined && { testerRuleArn }),
  targetGroups: Object.fromEntries(
    Object.entries(services).map(([name, { targetGroupArn }]) => [name, targetGroupArn]),
  ),
});

const otherThan = ({ services }: EcsTarget, name: string): string =>
  Object.keys(services).find((other) => other !== name) ?? '';

type Slots = ReadonlyMap<string, Slot>;

/** @throws NotFoundError for a group that is none of the target's. */
const slotAt = (slots: Slots, name: string): Slot => {
  const slot = slots.get(name);
  if (slot === undefined) throw new NotFoundError(`the target names no service for ${name}`);
  return slot;
};

/** What is behind the names in a routing: the versions that the services are told to run. */
const versionsIn = (slots: Slots, { primary, weights, testers, ...rest }: Routing): Routing => {
  const versionAt = (name: string) => slots.get(name)?.version ?? name;
  return {
    ...rest,
    primary: versionAt(primary),
    weights: Object.fromEntries(Object.entries(weights).map(([name, weight]) => [versionAt(name), weight])),
    ...(testers !== undefined && { testers: versionAt(testers) }),
  };
};

/** Where a version stands; `preferred` where both services run it. */
const placeOf = (slots: Slots, version: string, preferred: string): string | undefined => {
  const places = [...slots.values()].filter((slot) => slot.version === version).map(({ name }) => name);
  return places.includes(preferred) ? preferred : places[0];
};

/** @throws ConflictError when no service runs the version: somebody deployed another one. */
const standingAt = (slots: Slots, version: string, preferred: string): string => {
  const place = placeOf(slots, version, preferred);
  if (place !== undefined) return place;
  const running = [...slots.values()].map((slot) => `${slot.service.serviceName} runs ${slot.version}`);
  throw new ConflictError(`no service runs ${version} any more: ${running.join(', ')}`);
};

/** @throws ConflictError when nobody would answer what is sent to the service. */
const requireTasks = ({ service: { serviceName, desiredCount = 0, runningCount = 0 } }: Slot): void => {
  if (desiredCount > 0 && runningCount > 0) return;
  throw new ConflictError(
    `service ${serviceName} is to get all traffic and runs ${runningCount} of ${desiredCount} tasks; its events say why. When it runs some, release again`,
  );
};

/** Takes no traffic, not even a tester's. */
const isIdle = ({ primary, weights, testers }: Routing, name: string): boolean =>
  primary !== name && weights[name] === undefined && testers !== name;

/**
 * Two ECS services behind a listener rule. The rule's weights are moved as an ALB target's are; what is added is which
 * version stands behind which of them, and that the next version is put into the service without traffic.
 */
export const ecsShifter = (
  ecs: ECSClient,
  balancers: ElasticLoadBalancingV2Client,
  route: AlbShifter = albShifter(balancers),
): TrafficShifter<EcsTarget> => {
  const services = ecsServices(ecs);

  const read = async (target: EcsTarget): Promise<{ readonly slots: Slots; readonly at: Routing }> => {
    const [slots, at] = await Promise.all([services.find(target), route.readRouting(routeOf(target))]);
    return { slots, at };
  };

  const slotsIfTold = async (target: EcsTarget): Promise<Slots> => {
    try {
      return await services.find(target);
    } catch (error) {
      if (error instanceof TransientError) return new Map();
      throw error;
    }
  };

  const healthyTargets = async (TargetGroupArn: string | undefined): Promise<number> => {
    const { TargetHealthDescriptions = [] } = await orTransient(
      'Elastic Load Balancing',
      balancers.send(new DescribeTargetHealthCommand({ TargetGroupArn })),
    );
    return TargetHealthDescriptions.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  };

  /** As many tasks as the service has that takes the traffic: a promotion and a restore then both find room. */
  const prepare = async (target: EcsTarget, version: string, mayWrite: MayWrite): Promise<Preparation> => {
    const { slots, at } = await read(target);
    const idle = otherThan(target, at.primary);
    const slot = slotAt(slots, placeOf(slots, version, idle) ?? idle);
    const running = slotAt(slots, otherThan(target, slot.name));
    const tasks = running.service.desiredCount ?? 0;
    const { serviceName, desiredCount = 0 } = slot.service;
    const isDeployed = slot.version === version;
    if (isDeployed && desiredCount >= tasks)
      return steadiness(slot, () => healthyTargets(target.services[slot.name]?.targetGroupArn));
    if (!isDeployed && !isIdle(at, slot.name))
      throw new ConflictError(
        `service ${serviceName} takes traffic and can't be given ${version}: ${describeRouting(versionsIn(slots, at))}`,
      );
    // Registering changes nothing that runs; the update, which does, comes right after it was asked for.
    const change = isDeployed ? {} : { taskDefinition: await services.register(target, running, version) };
    if (!(await mayWrite()))
      return { kind: 'waiting', text: 'the release was stopped before it was prepared' };
    await services.update(target, slot, { ...change, desiredCount: tasks });
    return { kind: 'waiting', text: `service ${serviceName} was told to run ${tasks} tasks of ${version}` };
  };

  /**
   * A promotion gives the old version's tasks back. Traffic that returns after it needs them again, and stays where it is
   * until half as many run as where it is now: to move it to fewer would end it. Before a promotion the stable version has
   * its tasks, and nothing keeps traffic from it.
   * @throws TransientError meanwhile, having asked for them.
   */
  const refill = async (target: EcsTarget, slots: Slots, at: Routing, place: string): Promise<void> => {
    const slot = slots.get(place);
    const present = slots.get(otherThan(target, place));
    if (at.primary === place || slot === undefined || present === undefined) return;
    const { serviceName, desiredCount = 0, runningCount = 0 } = slot.service;
    const { desiredCount: tasks = 0, runningCount: presentCount = 0 } = present.service;
    if (2 * Math.min(desiredCount, runningCount) >= presentCount) return;
    if (desiredCount < tasks) await services.update(target, slot, { desiredCount: tasks });
    throw new TransientError(
      `service ${serviceName} runs ${runningCount} of ${Math.max(desiredCount, tasks)} tasks, and was told to run them all; traffic stays with service ${present.service.serviceName} until more of them run: try again`,
    );
  };

  const world = { balancers, services, routeOf, find: (one: AlbTarget) => route.find(one) };

  return {
    prepare,
    examine: (target) => examineEcs(world, target, versionsIn),
    inspect: (target, version) => inspectEcs(world, target, version),
    readRouting: async (target) => {
      const { slots, at } = await read(target);
      return versionsIn(slots, at);
    },
    setWeight: async (target, weight, revision) => {
      const { slots, at } = await read(target);
      const stable = standingAt(slots, weight.stable, at.primary);
      const canary = standingAt(slots, weight.canary, otherThan(target, at.primary));
      await route.setWeight(routeOf(target), { ...weight, stable, canary }, revision);
    },
    promote: async (target, version, revision) => {
      const { slots, at } = await read(target);
      const place = standingAt(slots, version, otherThan(target, at.primary));
      requireTasks(slotAt(slots, place));
      await route.promote(routeOf(target), place, revision);
    },
    // Where no service runs the stable version any more, or ECS doesn't say, the primary is where it was: what a release
    // calls stable stays the primary until it is promoted. Reading it back then says whether that was right.
    restore: async (target, stable, revision) => {
      const [slots, at] = await Promise.all([slotsIfTold(target), route.readRouting(routeOf(target))]);
      const place = placeOf(slots, stable, at.primary) ?? at.primary;
      await refill(target, slots, at, place);
      await route.restore(routeOf(target), place, revision);
    },
    retire: async (target, mayWrite) => {
      const { slots, at } = await read(target);
      const slot = slotAt(slots, otherThan(target, at.primary));
      const { desiredCount = 0 } = slot.service;
      const isLarger = desiredCount > target.idleTasks;
      if (!isLarger || !isIdle(at, slot.name) || !(await mayWrite())) return;
      await services.update(target, slot, { desiredCount: target.idleTasks });
      // Traffic may be on its way back there since it was asked: what can't be found out counts as that.
      let isSpare = false;
      try {
        isSpare = isIdle(await route.readRouting(routeOf(target)), slot.name) && (await mayWrite());
      } finally {
        if (!isSpare) await services.update(target, slot, { desiredCount });
      }
    },
  };
};
