import type { CanaryWeight, Routing } from '#rollout/traffic-shifter.ts';

/** Weights are set in whole percents and stored as fractions; this is far below one percent and far above rounding. */
const TOLERANCE_PERCENT = 0.01;

/** Percent of traffic that `version` gets. */
export const shareOf = (routing: Routing, version: string): number => {
  const elsewhere = Object.values(routing.weights).reduce((sum, weight) => sum + weight, 0);
  return routing.primary === version ? 100 - elsewhere : (routing.weights[version] ?? 0);
};

/** Whether all traffic goes to `version` and nothing stands beside it. */
export const isAlone = (routing: Routing, version: string): boolean =>
  routing.primary === version && Object.keys(routing.weights).length === 0;

/** Whether the routing is exactly stable plus the canary at this weight. */
export const isAt = (routing: Routing, { stable, canary, weightPercent }: CanaryWeight): boolean =>
  weightPercent === 0
    ? isAlone(routing, stable)
    : routing.primary === stable &&
      Object.keys(routing.weights).every((version) => version === canary) &&
      Math.abs(shareOf(routing, canary) - weightPercent) < TOLERANCE_PERCENT;

/** For messages: `7 (90 %), 8 (10 %)`. */
export const describeRouting = (routing: Routing): string =>
  [routing.primary, ...Object.keys(routing.weights)]
    .map((version) => `${version} (${shareOf(routing, version)} %)`)
    .join(', ');
