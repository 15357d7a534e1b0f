import type { Tally } from '#rollout/judge/e-value.ts';

/** How many events, of both arms together, the test lasts for. After that the relative test alone has enough of them. */
const EVENTS_MAX = 30;
/** What part of its level may be spent by the n-th event: (n / EVENTS_MAX)^this, more the more is known. */
const SPENDING_EXPONENT = 2;
/** ln of what is left when the events are over and showed nothing: as good as 0, and a number. */
const LN_LOST = -50;

/**
 * ln E of the first few events: an exact test by a boundary that is crossed with probability `level` at most, however often
 * it is looked at, when an event falls on the canary with probability r at most. With so few events the mean likelihood
 * ratio never uses up its α: each event is a large step over 1/α, and most of α is kept for events that never come. Here
 * all of it is spent on these (K. Lan and D. DeMets, Biometrika 70, 1983, with probabilities of the binomial walk itself).
 *
 * E = P(crossing, given what was seen) / P(crossing), which is a martingale with mean 1, and 1 / level or more once crossed.
 */
export function lnEvidenceOfFew({ canary, other }: Tally, r: number, level: number): number {
  const seen = canary + other;
  const boundary = boundaryOf(r, level);
  /** Chances of ever crossing after n events, by those on the canary: backwards from the last to none. */
  const chances = new Float64Array(EVENTS_MAX + 2);
  let now = 0;
  for (let n = EVENTS_MAX; n >= 0; n -= 1) {
    const least = boundary[n] ?? Number.POSITIVE_INFINITY;
    for (let x = 0; x <= n; x += 1)
      chances[x] = x >= least ? 1 : (1 - r) * at(chances, x) + r * at(chances, x + 1);
    if (n === seen) now = at(chances, canary);
  }
  const before = at(chances, 0);
  return before === 0 ? 0 : Math.max(LN_LOST, Math.log(now / before));
}

/** By number of events seen: the least on the canary that crosses. */
function boundaryOf(r: number, level: number): readonly number[] {
  const boundary = [Number.POSITIVE_INFINITY];
  /** Chances of x events on the canary without having crossed. */
  const walk = new Float64Array(EVENTS_MAX + 2);
  walk[0] = 1;
  let spent = 0;
  for (let n = 1; n <= EVENTS_MAX; n += 1) {
    for (let x = n; x > 0; x -= 1) walk[x] = at(walk, x) * (1 - r) + at(walk, x - 1) * r;
    walk[0] = at(walk, 0) * (1 - r);
    const allowed = level * (n / EVENTS_MAX) ** SPENDING_EXPONENT;
    let least = n + 1;
    while (least > 0 && spent + at(walk, least - 1) <= allowed) {
      least -= 1;
      spent += at(walk, least);
      walk[least] = 0;
    }
    boundary.push(least);
  }
  return boundary;
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
