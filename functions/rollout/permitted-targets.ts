import { regionOf, type Target } from '#policy/target.ts';
import type { Inspection, TrafficShifter } from '#rollout/traffic-shifter.ts';

/** What the stage's configuration lets Sluice move, as far as AWS doesn't say so itself when it is looked at. */
export interface TargetLists {
  readonly albRules: readonly string[];
  readonly ecsServices: readonly string[];
  readonly appConfigFlags: readonly string[];
  /** The stack's own and those that the configuration names. */
  readonly regions: readonly string[];
}

const notPermitted = (setting: string, what: string): Inspection => ({
  kind: 'unfit',
  code: 'not-permitted',
  text: `${what} is not among the stage's ${setting}; add it there and deploy the stage`,
});

/** What the target would have to be let move, by the setting that lets it. */
const neededBy = (target: Target): Partial<Record<keyof TargetLists, readonly string[]>> => {
  switch (target.kind) {
    case 'lambda-alias':
    case 'custom':
      return {};
    case 'alb':
      return { albRules: rulesOf(target) };
    case 'ecs':
      return {
        albRules: rulesOf(target),
        ecsServices: Object.values(target.services).map(({ service }) => `${target.cluster}/${service}`),
      };
    case 'appconfig-flag':
      return { appConfigFlags: [[target.applicationId, target.environmentId, target.profileId].join('/')] };
    default:
      return target satisfies never;
  }
};

const rulesOf = ({ ruleArn, testerRuleArn }: { ruleArn: string; testerRuleArn?: string | undefined }) =>
  testerRuleArn === undefined ? [ruleArn] : [ruleArn, testerRuleArn];

/** Why the target may not be moved. */
const refusalOf = (target: Target, lists: TargetLists): Inspection | undefined => {
  const region = regionOf(target);
  if (region !== undefined && !lists.regions.includes(region)) return notPermitted('targetRegions', region);
  for (const [setting, needed] of Object.entries(neededBy(target)))
    for (const one of needed)
      if (!lists[setting as keyof TargetLists].includes(one)) return notPermitted(setting, one);
  return undefined;
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
