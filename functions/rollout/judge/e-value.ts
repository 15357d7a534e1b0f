import { devianceTerm, lnBetaCdf, lnBetaKernel } from '#rollout/judge/special-functions.ts';

/** e^±690 is as near to 0 and 1 as a share gets before its complement leaves the range of doubles. */
const LOGIT_MAX = 690;

/** Logs of the two-sided and the one-sided (H0: θ ≤ r) e-value. */
export interface LnEvidence {
  readonly lnE1: number;
  readonly lnE2: number;
}

/** x_c events on the canary's side and x_b on the other; non-integer after division by a dispersion. */
export interface Tally {
  readonly canary: number;
  readonly other: number;
}

/**
 * Evidence that an event falls on the canary's side more often than r, valid however often it is looked at
 * (M. Lindon and A. Malek, NeurIPS 2022, arXiv 2011.03567): the mean likelihood ratio under a Beta(kr, k(1−r)) prior,
 * restricted to θ > r for the one-sided value. By the definition of the kernel K(a, b) = rᵃ(1−r)ᵇ / B(a, b),
 *
 *     lnE2 = lnK(a, b) − lnK(a + x_c, b + x_b)
 *     lnE1 = lnE2 + ln[1 − I_r(a + x_c, b + x_b)] − ln[1 − I_r(a, b)]
 *
 * The tail carries a factor K(a + x_c, b + x_b), so a rate far below r gives a large lnE2 and an equally large negative log
 * tail, never 0.
 */
export function lnEvidence(tally: Tally, r: number, concentration: number): LnEvidence {
  const [a, b] = [concentration * r, concentration * (1 - r)];
  const [after, before] = [posterior(tally, r, concentration), { a, b }];
  const lnE2 = lnBetaKernel(a, b, r, 1 - r) - lnBetaKernel(after.a, after.b, r, 1 - r);
  return { lnE2, lnE1: lnE2 + lnAbove(after, r) - lnAbove(before, r) };
}

/** The canary's share of events that a tolerated relative increase m allows at a share ρ of requests: ρ(1+m)/(1+ρm). */
export function toleratedShare(share: number, margin: number): number {
  return (share * (1 + margin)) / (1 + share * margin);
}

/**
 * Interval of shares θ with lnE2(θ) < ln(1/α), θ in place of r in the last two terms only: holds at all looks at once with
 * probability 1 − α. From the observed share θ̂, where lnE2(θ) is least, it grows by n·KL(θ̂ ‖ θ); bisection in logit θ.
 */
export function shareInterval(
  tally: Tally,
  r: number,
  concentration: number,
  alpha: number,
): readonly [low: number, high: number] {
  const total = tally.canary + tally.other;
  if (total === 0) return [0, 1];
  const start = Math.min(LOGIT_MAX, Math.max(-LOGIT_MAX, Math.log(tally.canary / tally.other)));
  const after = posterior(tally, r, concentration);
  const [observed, rest] = fromLogit(start);
  const least =
    lnBetaKernel(concentration * r, concentration * (1 - r), observed, rest) -
    lnBetaKernel(after.a, after.b, observed, rest);
  const isInside = (logit: number) => {
    const [theta, complement] = fromLogit(logit);
    const growth = devianceTerm(tally.canary, total * theta) + devianceTerm(tally.other, total * complement);
    return least + growth < -Math.log(alpha);
  };
  const [low] = fromLogit(edge(isInside, start, -LOGIT_MAX));
  const [high] = fromLogit(edge(isInside, start, LOGIT_MAX));
  return [low, high];
}

function fromLogit(t: number): readonly [share: number, complement: number] {
  return [1 / (1 + Math.exp(-t)), 1 / (1 + Math.exp(t))];
}

/** The rate ratio that a share θ of events means at a share ρ of requests; Infinity when every event is the canary's. */
export function rateRatio(theta: number, share: number): number {
  return (theta * (1 - share)) / ((1 - theta) * share);
}

function posterior(tally: Tally, r: number, concentration: number) {
  return { a: concentration * r + tally.canary, b: concentration * (1 - r) + tally.other };
}

function lnAbove({ a, b }: { readonly a: number; readonly b: number }, r: number): number {
  return lnBetaCdf(b, a, 1 - r, r);
}

/** The last logit inside on the way to `end`; where even `end` is inside, infinitely far. */
function edge(isInside: (logit: number) => boolean, start: number, end: number): number {
  if (isInside(end)) return Math.sign(end) * Number.POSITIVE_INFINITY;
  let [near, far] = [start, end];
  for (let i = 0; i < 60; i += 1) {
    const middle = (near + far) / 2;
    if (isInside(middle)) near = middle;
    else far = middle;
  }
  return near;
}
