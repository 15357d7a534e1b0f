import type { Routing } from '#rollout/traffic-shifter.ts';

/**
 * What a load balancer doesn't keep, kept in the weights themselves. Only their ratio moves traffic, so their greatest
 * common divisor is free to say two more things, in the same atomic write: modulo the number of groups, which of them
 * is the primary (97:3 doesn't tell whether 3 is a canary or what is left of a stable version); and, because each write
 * takes another of those that are left, that somebody wrote.
 */
export type Weights = Readonly<Record<string, number>>;

/** Elastic Load Balancing allows 0 to 999. */
const WEIGHT_MAX = 999;
/**
 * Where one group has all the traffic, its weight says who the primary is only in this range: outside are the weights
 * that people and infrastructure code write (1, 10, 100, 999), and there whoever has the traffic is the primary.
 */
const SOLE_MIN = 200;
const SOLE_MAX = 998;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
const divisorOf = (weights: Weights): number => Object.values(weights).reduce((a, b) => gcd(a, b), 0);

/** Where traffic goes, of weights by group; `groups` are those of the target, in any order. */
export const routingOf = (groups: readonly string[], weights: Weights): Omit<Routing, 'revision'> => {
  const held = Object.entries(weights)
    .filter(([, weight]) => weight > 0)
    .sort(([a, one], [b, other]) => other - one || a.localeCompare(b));
  const [largest] = held;
  if (largest === undefined) return { primary: '', weights: {} };
  const divisor = divisorOf(weights);
  const marked = held.length > 1 || (divisor >= SOLE_MIN && divisor <= SOLE_MAX);
  const named = groups.toSorted()[divisor % groups.length];
  const primary = marked && named !== undefined && (held.length === 1 || weights[named]) ? named : largest[0];
  const total = held.reduce((sum, [, weight]) => sum + weight, 0);
  return {
    primary,
    weights: Object.fromEntries(
      held
        .filter(([group]) => group !== primary)
        .map(([group, weight]) => [group, Math.round((weight / total) * 1e6) / 1e4]),
    ),
  };
};

export interface Split {
  readonly primary: string;
  readonly canary: string;
  /** Whole percents. */
  readonly weightPercent: number;
}

/**
 * Weights that mean this split and differ from `present`; `choose(n)` gives a number from 0 to n - 1. Groups without
 * traffic stay with a weight of zero: one that no rule names has no health checks.
 */
export const weightsFor = (
  groups: readonly string[],
  { primary, canary, weightPercent }: Split,
  present: Weights,
  choose: (count: number) => number,
): Weights => {
  const sorted = groups.toSorted();
  const common = gcd(weightPercent, 100 - weightPercent);
  const [canaryPart, primaryPart] = [weightPercent / common, (100 - weightPercent) / common];
  const isSole = canaryPart === 0 || primaryPart === 0;
  const [from, to] = isSole
    ? [SOLE_MIN, SOLE_MAX]
    : [1, Math.floor(WEIGHT_MAX / Math.max(canaryPart, primaryPart))];
  const was = divisorOf(present);
  const free = Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
    (divisor) => divisor % sorted.length === sorted.indexOf(primary) && divisor !== was,
  );
  const divisor = free[choose(free.length)] ?? from;
  return {
    ...Object.fromEntries(sorted.map((group) => [group, 0])),
    ...(primaryPart > 0 && { [primary]: primaryPart * divisor }),
    ...(canaryPart > 0 && { [canary]: canaryPart * divisor }),
  };
};
