import type { CanaryWeight, Routing, Unfitness } from '#rollout/traffic-shifter.ts';

/** Weights are set in whole percents and stored as fractions; this is far below one percent and far above rounding. */
export const TOLERANCE_PERCENT = 0.01;

/** Percent of traffic that `version` gets. */
export const shareOf = (routing: Routing, version: string): number => {
  const elsewhere = Object.values(routing.weights).reduce((sum, weight) => sum + weight, 0);
  return routing.primary === version ? 100 - elsewhere : (routing.weights[version] ?? 0);
};

const testersGet = ({ testers }: Routing, version: string): boolean =>
  testers === undefined || testers === version;

/** Whether all traffic goes to `version`, testers' too, and nothing stands beside it. */
export const isAlone = (routing: Routing, version: string): boolean =>
  routing.primary === version &&
  Object.keys(routing.weights).length === 0 &&
  routing.sticky === undefined &&
  testersGet(routing, version);

/** At a weight of 0 testers may have the canary already: their rule is written before the weights are. */
const testersAt = (routing: Routing, { stable, canary, weightPercent, preview }: CanaryWeight): boolean => {
  if (preview) return routing.testers === canary;
  return testersGet(routing, canary) || (weightPercent === 0 && routing.testers === stable);
};

/** Whether the routing is exactly stable plus the canary at this weight. */
export const isAt = (routing: Routing, weight: CanaryWeight): boolean =>
  routing.primary === weight.stable &&
  Object.keys(routing.weights).every((version) => version === weight.canary) &&
  Math.abs(shareOf(routing, weight.canary) - weight.weightPercent) < TOLERANCE_PERCENT &&
  routing.sticky === weight.sticky &&
  testersAt(routing, weight);

/** For messages: `7 (90 %), 8 (10 %)`, and whatever is beside the weights. */
export const describeRouting = (routing: Routing): string =>
  [
    ...[routing.primary, ...Object.keys(routing.weights)].map(
      (version) => `${version} (${shareOf(routing, version)} %)`,
    ),
    ...(testersGet(routing, routing.primary) ? [] : [`${routing.testers} (testers)`]),
    ...(routing.sticky ? ['sticky'] : []),
  ].join(', ');

/** Why no release can begin at this routing, whatever the version; `name` is the target's, for people. */
export const routingUnfitness = (name: string, routing: Routing): readonly Unfitness[] =>
  isAlone(routing, routing.primary)
    ? []
    : [
        {
          code: 'already-weighted',
          text: `${name} already splits its traffic: ${describeRouting(routing)}; bring it to one version first`,
        },
      ];
