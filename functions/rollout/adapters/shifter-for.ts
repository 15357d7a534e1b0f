import { lambda, lambdaInvoker, loadBalancers, SHIFTING } from '#platform/clients.ts';
import type { Target } from '#policy/target.ts';
import { albShifter } from '#rollout/adapters/alb-shifter.ts';
import { customShifter } from '#rollout/adapters/custom-shifter.ts';
import { lambdaAliasShifter } from '#rollout/adapters/lambda-alias-shifter.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

/** Made at first use: most services have one kind of target, and a client takes time and memory to make. */
const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

const lambdaAlias = /* @__PURE__ */ once(() => lambdaAliasShifter(lambda()));
const alb = /* @__PURE__ */ once(() => albShifter(loadBalancers()));
const custom = /* @__PURE__ */ once(() => customShifter(lambdaInvoker(SHIFTING)));

/** Does `move` with the shifter of the target's kind. */
const withShifter = <R>(
  target: Target,
  move: <T extends Target>(shifter: TrafficShifter<T>, target: T) => R,
): R => {
  switch (target.kind) {
    case 'lambda-alias':
      return move(lambdaAlias(), target);
    case 'alb':
      return move(alb(), target);
    case 'custom':
      return move(custom(), target);
    default:
      return target satisfies never;
  }
};

/** Moves traffic on a target of any kind. */
export const shifterForTarget: TrafficShifter<Target> = {
  inspect: (target, version) => withShifter(target, (shifter, its) => shifter.inspect(its, version)),
  readRouting: (target) => withShifter(target, (shifter, its) => shifter.readRouting(its)),
  setWeight: (target, weight, revision) =>
    withShifter(target, (shifter, its) => shifter.setWeight(its, weight, revision)),
  promote: (target, version, revision) =>
    withShifter(target, (shifter, its) => shifter.promote(its, version, revision)),
  restore: (target, stable, revision) =>
    withShifter(target, (shifter, its) => shifter.restore(its, stable, revision)),
};
