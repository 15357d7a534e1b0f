import { upperLimit } from '#rollout/judge/binomial-limit.ts';
import type { ExperimentPolicy } from '#rollout/judge/experiment-policy.ts';
import { anytimeInterval } from '#rollout/judge/proportion-difference.ts';

/** What one wants to find, before an experiment begins. */
export interface ExperimentQuestion {
  /** The stable version's share of goals reached, as a fraction. */
  readonly baseRate: number;
  /** The least difference that should be found, as a fraction; either sign. */
  readonly difference: number;
  /** The canary's share of the sample, as a fraction. */
  readonly share: number;
  readonly alpha: number;
  /** Chance of finding that difference where it is. */
  readonly power: number;
}

export interface SampleNeeded {
  readonly canary: number;
  readonly stable: number;
}

/**
 * The sample with which a look at a fixed horizon finds the difference with the wanted power: the normal approximation for
 * two proportions with unequal arms (J. Fleiss, A. Tytun and H. Ury, Biometrics 36, 1980, without the correction).
 */
export function sampleAtHorizon({
  baseRate,
  difference,
  share,
  alpha,
  power,
}: ExperimentQuestion): SampleNeeded {
  const [p, q] = [baseRate + difference, baseRate];
  const pooled = share * p + (1 - share) * q;
  const [ofAlpha, ofPower] = [normalUpperQuantile(alpha / 2), normalUpperQuantile(1 - power)];
  const alike = ofAlpha * Math.sqrt((pooled * (1 - pooled)) / (share * (1 - share)));
  const apart = ofPower * Math.sqrt((p * (1 - p)) / share + (q * (1 - q)) / (1 - share));
  return split(((alike + apart) / difference) ** 2, share);
}

/** The sample after which a sequential experiment ends half the time: the interval of what is expected excludes no difference. */
export function sampleSequential(question: ExperimentQuestion): SampleNeeded {
  const { baseRate, difference, share, alpha } = question;
  const excludes = (total: number) => {
    const [low, high] = anytimeInterval(
      { events: total * share * (baseRate + difference), trials: total * share },
      { events: total * (1 - share) * baseRate, trials: total * (1 - share) },
      share,
      alpha,
    );
    return low > 0 || high < 0;
  };
  let total = 1;
  while (!excludes(total)) total *= 2;
  let enough = total;
  for (let i = 0; i < 40; i += 1) {
    const middle = (total / 2 + enough) / 2;
    if (excludes(middle)) enough = middle;
    else total = 2 * middle;
  }
  return split(enough, share);
}

/** What a policy says that each arm needs, `share` of the sample being the canary's; nothing where it says nothing. */
export function plannedSample(policy: ExperimentPolicy, share: number): SampleNeeded | undefined {
  const { mode, alpha, horizon, minimumDetectable: least } = policy;
  const { samplePerArm } = horizon;
  if (samplePerArm !== undefined) return { canary: samplePerArm, stable: samplePerArm };
  if (least === undefined) return undefined;
  const { basePercent, differencePoints, power } = least;
  const question = { baseRate: basePercent / 100, difference: differencePoints / 100, share, alpha, power };
  return mode === 'fixed-horizon' ? sampleAtHorizon(question) : sampleSequential(question);
}

function split(total: number, share: number): SampleNeeded {
  return { canary: Math.ceil(total * share), stable: Math.ceil(total * (1 - share)) };
}

/** z with P(Z > z) = p: a beta distribution with both parameters huge is normal, and its quantiles are at hand. */
export function normalUpperQuantile(p: number): number {
  const half = 1e8;
  return 2 * Math.sqrt(2 * half + 3) * (upperLimit(half, 2 * half + 1, p) - 0.5);
}
