import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { isNamed } from '#platform/aws-errors.ts';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import { albFault, type FoundRule, type Unfit } from '#rollout/adapters/alb-inspection.ts';
import { isDigest } from '#rollout/adapters/ecs-image.ts';
import type { EcsServices, Slot } from '#rollout/adapters/ecs-services.ts';
import type { Examination, Inspection, Routing } from '#rollout/traffic-shifter.ts';

const unfit = (code: string, text: string): Unfit => ({ kind: 'unfit', code, text });

/** Why a service can't be one of the two, whatever it runs. */
const serviceFault = (target: EcsTarget, name: string, slot: Slot | undefined): Unfit | undefined => {
  const { cluster, container, services } = target;
  const { service: serviceName, targetGroupArn } = services[name] ?? { service: name };
  if (slot === undefined)
    return unfit('no-service', `there is no active service ${cluster}/${serviceName}; make it`);
  const { deploymentController, loadBalancers = [], schedulingStrategy } = slot.service;
  if ((deploymentController?.type ?? 'ECS') !== 'ECS')
    return unfit(
      'other-controller',
      `service ${serviceName} is deployed by ${deploymentController?.type}; Sluice moves services that ECS deploys itself`,
    );
  if (schedulingStrategy === 'DAEMON')
    return unfit(
      'daemon',
      `service ${serviceName} runs a task on every instance; its tasks can't be counted`,
    );
  if (!loadBalancers.some((one) => one.targetGroupArn === targetGroupArn))
    return unfit(
      'other-target-group',
      `service ${serviceName} doesn't register its tasks with ${targetGroupArn}, which the target names for it`,
    );
  if (slot.version === undefined)
    return unfit(
      'no-container',
      `the task definition of service ${serviceName} has no container ${container} with an image`,
    );
  return undefined;
};

/** Why traffic couldn't be brought back to the service that has it. */
const stableFault = ({ service, version }: Slot): Unfit | undefined => {
  const { serviceName, deployments = [], desiredCount = 0, runningCount = 0 } = service;
  const [only] = deployments;
  if (desiredCount === 0)
    return unfit('no-tasks', `service ${serviceName} has the traffic, and is told to run no tasks`);
  return deployments.length === 1 &&
    (only?.rolloutState ?? 'COMPLETED') === 'COMPLETED' &&
    runningCount >= desiredCount
    ? undefined
    : unfit(
        'unsteady',
        `service ${serviceName} has the traffic and is not steady on ${version} (${runningCount} of ${desiredCount} tasks, ${deployments.length} deployments); release when it is`,
      );
};

/** Why the service without traffic can't take the next version. */
const idleFault = (name: string, slot: Slot, rule: FoundRule): Unfit | undefined =>
  rule.weights[name] === undefined
    ? unfit(
        'group-not-in-rule',
        `the rule doesn't name the target group of service ${slot.service.serviceName}; name it with a weight of 0, or nothing checks the health of its tasks`,
      )
    : undefined;

interface World {
  readonly balancers: ElasticLoadBalancingV2Client;
  readonly services: Pick<EcsServices, 'find'>;
  find(route: AlbTarget): Promise<FoundRule | undefined>;
  routeOf(target: EcsTarget): AlbTarget;
}

const slotsOf = async ({ services }: World, target: EcsTarget): Promise<ReadonlyMap<string, Slot>> => {
  try {
    return await services.find(target);
  } catch (error) {
    if (isNamed(error, 'ClusterNotFoundException')) return new Map();
    throw error;
  }
};

/** The two services as a release finds them, or why none can begin whatever the version. */
type Found =
  | { readonly kind: 'standing'; readonly stable: Slot & { readonly version: string }; readonly idle: Slot }
  | Unfit;

const standingOn = async (
  world: World,
  target: EcsTarget,
  rule: FoundRule,
  slots: ReadonlyMap<string, Slot>,
): Promise<Found> => {
  for (const name of Object.keys(target.services)) {
    const fault = serviceFault(target, name, slots.get(name));
    if (fault !== undefined) return fault;
  }
  const stable = slots.get(rule.routing.primary);
  const idle = [...slots.values()].find(({ name }) => name !== rule.routing.primary);
  if (idle === undefined) return unfit('no-service', 'both services of the target are one');
  const route = world.routeOf(target);
  const fault = (await albFault(world.balancers, route, idle.name, rule)) ?? idleFault(idle.name, idle, rule);
  if (fault !== undefined) return fault;
  if (stable?.version === undefined)
    return unfit('no-stable-version', `no service of the target has the traffic of ${target.ruleArn}`);
  return { kind: 'standing', stable: { ...stable, version: stable.version }, idle };
};

/**
 * What there is, whatever comes to be released.
 * @param versionsIn which versions stand behind the names in a routing
 */
export const examineEcs = async (
  world: World,
  target: EcsTarget,
  versionsIn: (slots: ReadonlyMap<string, Slot>, routing: Routing) => Routing,
): Promise<Examination> => {
  const [rule, slots] = await Promise.all([world.find(world.routeOf(target)), slotsOf(world, target)]);
  if (rule === undefined) return { kind: 'absent', text: `there is no ${target.ruleArn}` };
  const found = await standingOn(world, target, rule, slots);
  const fault = found.kind === 'unfit' ? found : stableFault(found.stable);
  return {
    kind: 'found',
    routing: versionsIn(slots, rule.routing),
    ...(found.kind === 'standing' && { places: { [found.stable.version]: found.stable.name } }),
    unfit: fault === undefined ? [] : [{ code: fault.code, text: fault.text }],
  };
};

/** What is found when a release of `version` is about to begin on the two services. */
export const inspectEcs = async (world: World, target: EcsTarget, version: string): Promise<Inspection> => {
  if (!isDigest(version))
    return unfit(
      'not-a-digest',
      `${version} is not the digest of an image (sha256: and 64 hexadecimal digits); a tag can be moved to another image`,
    );
  const [rule, slots] = await Promise.all([world.find(world.routeOf(target)), slotsOf(world, target)]);
  if (rule === undefined) return unfit('no-target', `there is no ${target.ruleArn}`);
  const found = await standingOn(world, target, rule, slots);
  if (found.kind === 'unfit') return found;
  const { stable, idle } = found;
  if (stable.version === version)
    return unfit(
      'already-running',
      `service ${stable.service.serviceName} runs ${version} and has all traffic`,
    );
  return (
    stableFault(stable) ?? {
      kind: 'fit',
      snapshot: {
        stableVersion: stable.version,
        places: { [stable.version]: stable.name, [version]: idle.name },
      },
    }
  );
};
