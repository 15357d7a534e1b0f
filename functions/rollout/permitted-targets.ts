import type { Target } from '#policy/target.ts';
import type { Inspection, TrafficShifter } from '#rollout/traffic-shifter.ts';

/** What the stage's configuration lets Sluice move, of the kinds that can be looked at without a grant of their own. */
export interface TargetLists {
  readonly albRules: readonly string[];
}

const notPermitted = (setting: string, what: string): Inspection => ({
  kind: 'unfit',
  code: 'not-permitted',
  text: `${what} is not among the stage's ${setting}; add it there and deploy the stage`,
});

/** Why the target may not be moved; where reading it already needs a grant, AWS itself says so. */
const refusalOf = (target: Target, lists: TargetLists): Inspection | undefined => {
  switch (target.kind) {
    case 'lambda-alias':
    case 'custom':
      return undefined;
    case 'alb':
      return lists.albRules.includes(target.ruleArn) ? undefined : notPermitted('albRules', target.ruleArn);
    default:
      return target satisfies never;
  }
};

/**
 * The shifter with targets refused at inspection that it has no grant to move. Found later, at the first shift, that
 * would leave a release which can't be restored either.
 */
export const permittedTargets = (
  shifter: TrafficShifter<Target>,
  lists: TargetLists,
): TrafficShifter<Target> => ({
  ...shifter,
  inspect: async (target, version) => refusalOf(target, lists) ?? shifter.inspect(target, version),
});
