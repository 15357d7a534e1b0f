import type { Proportion } from '#rollout/judge/facts.ts';
import { lnBetaCdf, lnBetaKernel } from '#rollout/judge/special-functions.ts';

/**
 * Exact one-sided limits of a binomial proportion (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934) in their beta form,
 * which extends to the non-integer counts left after division by a dispersion. `events` of `trials`, 0 ≤ events ≤ trials;
 * `alpha` is the one-sided error, below 0.5. No trials: the limit that says nothing (0 or 1).
 */
export function lowerLimit(events: number, trials: number, alpha: number): number {
  if (boundsNothing(events, alpha)) return 0;
  if (events >= trials) return Math.exp(Math.log(alpha) / trials);
  return quantile(events, trials - events + 1, alpha).x;
}

export function upperLimit(events: number, trials: number, alpha: number): number {
  if (events >= trials) return 1;
  if (events <= 0) return -Math.expm1(Math.log(alpha) / trials);
  return boundsNothing(trials - events, alpha) ? 1 : quantile(trials - events, events + 1, alpha).y;
}

/** True when even the lower limit of the proportion lies above `limit`: the excess is more than chance. One tail, no root search. */
export function exceedsBeyondChance(events: number, trials: number, limit: number, alpha: number): boolean {
  if (boundsNothing(events, alpha) || limit >= 1) return false;
  if (events >= trials) return Math.exp(Math.log(alpha) / trials) > limit;
  if (limit <= 0) return true;
  return lnBetaCdf(events, trials - events + 1, limit, 1 - limit) < Math.log(alpha);
}

/**
 * True when `one` has more than `factor` times the rate of `other`, beyond chance: given an event of either, it falls on `one`
 * with probability ρf / (ρf + 1 − ρ) at most, ρ its share of trials (the exact conditional test of two Poisson rates,
 * J. Przyborowski and H. Wilenski, Biometrika 31, 1940). Counts are divided by the dispersion `phi`.
 */
export function isRateAbove(
  one: Proportion,
  other: Proportion,
  factor: number,
  phi: number,
  alpha: number,
): boolean {
  const limit = (one.trials * factor) / (one.trials * factor + other.trials);
  return exceedsBeyondChance(one.events / phi, (one.events + other.events) / phi, limit, alpha);
}

/** For less than one event the limit is near α^(1/events): below some hundredths of an event, less than a double can hold. */
function boundsNothing(events: number, alpha: number): boolean {
  return events * 690 < -Math.log(alpha);
}

/**
 * The α-quantile of Beta(a, b) with its complement. Newton's method on t = logit x: ln I_x(a, b) is concave and rising in t,
 * so from the left of the root each step stays left of it, and a start at the mean needs one step to get there.
 */
function quantile(a: number, b: number, alpha: number): { readonly x: number; readonly y: number } {
  const target = Math.log(alpha);
  let t = Math.log(a / b);
  for (let i = 0; i < 200; i += 1) {
    const { x, y } = logistic(t);
    const lnCdf = lnBetaCdf(a, b, x, y);
    const step = (lnCdf - target) / Math.exp(lnBetaKernel(a, b, x, y) - lnCdf);
    t -= step;
    if (Math.abs(step) < 1e-13 * Math.max(1, Math.abs(t))) break;
  }
  return logistic(t);
}

function logistic(t: number): { readonly x: number; readonly y: number } {
  return { x: 1 / (1 + Math.exp(-t)), y: 1 / (1 + Math.exp(t)) };
}
