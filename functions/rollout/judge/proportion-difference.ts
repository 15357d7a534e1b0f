import { lowerLimit, upperLimit } from '#rollout/judge/binomial-limit.ts';
import { lnEvidence, shareInterval } from '#rollout/judge/e-value.ts';
import type { Proportion } from '#rollout/judge/facts.ts';

export type Interval = readonly [low: number, high: number];

/** The share of `one` less the share of `other`. */
export function difference(one: Proportion, other: Proportion): number {
  return one.events / one.trials - other.events / other.trials;
}

/**
 * Interval of the difference of two proportions for one look at a planned moment: the limits of each, squared and added
 * (R. Newcombe, Statistics in Medicine 17, 1998, method 10), with exact limits in the place of Wilson's
 * (G. Zou and A. Donner, Statistics in Medicine 27, 2008, show that any may stand there).
 */
export function plannedInterval(one: Proportion, other: Proportion, alpha: number): Interval {
  const [p, q] = [one.events / one.trials, other.events / other.trials];
  const [lowP, highP] = limits(one, alpha);
  const [lowQ, highQ] = limits(other, alpha);
  return [p - q - Math.hypot(p - lowP, highQ - q), p - q + Math.hypot(highP - p, q - lowQ)];
}

/** Below this p is told as this: nobody needs to know better. */
const P_MIN = 1e-9;

/** The least α whose planned interval excludes that there is no difference: the p-value that goes with the interval. */
export function plannedP(one: Proportion, other: Proportion): number {
  const excludes = (alpha: number) => {
    const [low, high] = plannedInterval(one, other, alpha);
    return low > 0 || high < 0;
  };
  if (excludes(P_MIN)) return P_MIN;
  let [inside, outside] = [Math.log(P_MIN), 0];
  for (let i = 0; i < 40; i += 1) {
    const middle = (inside + outside) / 2;
    if (excludes(Math.exp(middle))) outside = middle;
    else inside = middle;
  }
  return Math.exp(outside);
}

function limits({ events, trials }: Proportion, alpha: number): Interval {
  return [lowerLimit(events, trials, alpha / 2), upperLimit(events, trials, alpha / 2)];
}

/** Weight of the prior, in events: about right for goals that differ by a tenth. */
const CONCENTRATION = 300;
/** The part of α that goes to how often the goal is reached at all, which is soon known well. */
const POOLED_PART = 0.1;

/**
 * Interval of the difference that holds at all looks at once with probability 1 − α. Who is assigned to an arm by a coin of
 * the planned share ρ, and then reaches the goal, is on the canary with probability θ, each time independently: θ has the
 * anytime interval of the judge, and so has the share p that reaches the goal on both arms together. Then p_c = pθ/ρ and
 * p_b = p(1 − θ)/(1 − ρ), with the ends of both intervals. Where most reach the goal those that don't are counted: the rarer
 * ones tell more, and which are rarer is seen from both arms together, that is without a look at their difference.
 */
export function anytimeInterval(
  one: Proportion,
  other: Proportion,
  plannedShare: number,
  alpha: number,
): Interval {
  const [reached, trials] = [one.events + other.events, one.trials + other.trials];
  if (2 * reached > trials) {
    const [low, high] = anytimeInterval(rest(one), rest(other), plannedShare, alpha);
    return [-high, -low];
  }
  const split = { canary: one.events, other: other.events };
  const [thetaLow, thetaHigh] = shareInterval(split, plannedShare, CONCENTRATION, (1 - POOLED_PART) * alpha);
  const pooled = { canary: reached, other: trials - reached };
  const [pLow, pHigh] = shareInterval(pooled, 0.5, 1, POOLED_PART * alpha);
  const apart = (theta: number) => theta / plannedShare - (1 - theta) / (1 - plannedShare);
  const [low, high] = [apart(thetaLow), apart(thetaHigh)];
  return [Math.max(-1, low * (low < 0 ? pHigh : pLow)), Math.min(1, high * (high < 0 ? pLow : pHigh))];
}

/**
 * ln of the evidence that there is a difference at all, by the same split of those who reached the goal; 1/E is a p-value that
 * holds at all looks at once.
 */
export function lnEvidenceOfDifference(one: Proportion, other: Proportion, plannedShare: number): number {
  if (2 * (one.events + other.events) > one.trials + other.trials)
    return lnEvidenceOfDifference(rest(one), rest(other), plannedShare);
  return lnEvidence({ canary: one.events, other: other.events }, plannedShare, CONCENTRATION).lnE2;
}

function rest({ events, trials }: Proportion): Proportion {
  return { events: trials - events, trials };
}
