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

/**
 * φ of one count over past looks: max(1, Σ (xᵢ − p·nᵢ)² / (p·nᵢ) / (looks − 1)) with p = Σx / Σn (P. McCullagh and J. Nelder,
 * Generalized Linear Models, 4.5). With steady traffic that is variance / mean; with traffic that rises and falls it doesn't
 * take the tide for bursts.
 */
export function dispersionOf(looks: readonly Proportion[]): number {
  const [events, trials] = [sumOf(looks, 'events'), sumOf(looks, 'trials')];
  if (looks.length < 2 || events === 0) return 1;
  const squares = looks.map((look) => {
    const expected = (look.trials * events) / trials;
    return (look.events - expected) ** 2 / expected;
  });
  return Math.max(1, squares.reduce((sum, square) => sum + square, 0) / (looks.length - 1));
}

function sumOf(looks: readonly Proportion[], member: keyof Proportion): number {
  return looks.reduce((sum, look) => sum + look[member], 0);
}
