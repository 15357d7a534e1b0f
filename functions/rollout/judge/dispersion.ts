import type { BaselineHistory, Proportion } from '#rollout/judge/facts.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';

/** φ that error counts are divided by before anything is called more than chance. */
export function errorDispersion(history: BaselineHistory | undefined, policy: JudgePolicy): number {
  return Math.max(policy.evidence.dispersionMin, history?.dispersion?.errors ?? 1);
}

/** The same for requests slower than a bound. */
export function slowDispersion(
  boundMs: number,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): number {
  return Math.max(policy.evidence.dispersionMin, history?.dispersion?.slowerThan?.[String(boundMs)] ?? 1);
}

/** Standard errors by which a variance must exceed the mean before that is more than chance. */
const NOISE_ERRORS = 2;

/**
 * φ of one count over past looks: max(1, Σ (xᵢ − p·nᵢ)² / (p·nᵢ) / (looks − 1)) with p = Σx / Σn (P. McCullagh and J. Nelder,
 * Generalized Linear Models, 4.5). With steady traffic that is variance / mean; with traffic that rises and falls it doesn't
 * take the tide for bursts. The estimate of counts without any bursts has a standard error of √((2 + mean of 1/(p·nᵢ)) / (looks − 1)),
 * and where errors are few it is large: what is within two of it is taken for 1.
 */
export function dispersionOf(looks: readonly Proportion[]): number {
  const [events, trials] = [sumOf(looks, 'events'), sumOf(looks, 'trials')];
  if (looks.length < 2 || events === 0) return 1;
  const means = looks.map((look) => (look.trials * events) / trials);
  const squares = looks.map((look, index) => squaredError(look.events, means[index] ?? 0));
  const freedom = looks.length - 1;
  const found = total(squares) / freedom;
  const noise = Math.sqrt((2 + total(means.map((mean) => 1 / mean)) / looks.length) / freedom);
  return found > 1 + NOISE_ERRORS * noise ? found : 1;
}

function squaredError(found: number, mean: number): number {
  return (found - mean) ** 2 / mean;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function sumOf(looks: readonly Proportion[], member: keyof Proportion): number {
  return looks.reduce((sum, look) => sum + look[member], 0);
}
