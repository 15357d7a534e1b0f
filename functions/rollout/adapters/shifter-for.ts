import { appConfig, containers, lambda, lambdaInvoker, loadBalancers, SHIFTING } from '#platform/clients.ts';
import { perRegion } from '#platform/per-region.ts';
import { regionOf, type Target } from '#policy/target.ts';
import { albShifter } from '#rollout/adapters/alb-shifter.ts';
import { appConfigShifter } from '#rollout/adapters/appconfig-shifter.ts';
import { customShifter } from '#rollout/adapters/custom-shifter.ts';
import { ecsShifter } from '#rollout/adapters/ecs-shifter.ts';
import { lambdaAliasShifter } from '#rollout/adapters/lambda-alias-shifter.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

/* Made at first use: most services have one kind of target, and a client takes time and memory to make. */
const lambdaAlias = /* @__PURE__ */ perRegion((region) => lambdaAliasShifter(lambda(region)));
const alb = /* @__PURE__ */ perRegion((region) => albShifter(loadBalancers(region)));
const ecs = /* @__PURE__ */ perRegion((region) => ecsShifter(containers(region), loadBalancers(region)));
const flag = /* @__PURE__ */ perRegion((region) => appConfigShifter(appConfig(region)));
const custom = /* @__PURE__ */ perRegion((region) => customShifter(lambdaInvoker(SHIFTING, region)));

/** Does `move` with the shifter of the target's kind. */
const withShifter = <R>(
  target: Target,
  move: <T extends Target>(shifter: TrafficShifter<T>, target: T) => R,
): R => {
  const region = regionOf(target);
  switch (target.kind) {
    case 'lambda-alias':
      return move(lambdaAlias(region), target);
    case 'alb':
      return move(alb(region), target);
    case 'ecs':
      return move(ecs(region), target);
    case 'appconfig-flag':
      return move(flag(region), target);
    case 'custom':
      return move(custom(region), target);
    default:
      return target satisfies never;
  }
};

/** Moves traffic on a target of any kind. */
export const shifterForTarget: TrafficShifter<Target> = {
  inspect: (target, version) => withShifter(target, (shifter, its) => shifter.inspect(its, version)),
  prepare: (target, version, mayWrite) =>
    withShifter(target, (shifter, its) => shifter.prepare(its, version, mayWrite)),
  examine: (target) => withShifter(target, (shifter, its) => shifter.examine(its)),
  readRouting: (target) => withShifter(target, (shifter, its) => shifter.readRouting(its)),
  setWeight: (target, weight, revision) =>
    withShifter(target, (shifter, its) => shifter.setWeight(its, weight, revision)),
  promote: (target, version, revision) =>
    withShifter(target, (shifter, its) => shifter.promote(its, version, revision)),
  restore: (target, stable, revision) =>
    withShifter(target, (shifter, its) => shifter.restore(its, stable, revision)),
  retire: (target, mayWrite) => withShifter(target, (shifter, its) => shifter.retire(its, mayWrite)),
};
