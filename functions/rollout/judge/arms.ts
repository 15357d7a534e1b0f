import type { Arm } from '#rollout/judge/components.ts';
import type { ArmFacts, BaselineHistory } from '#rollout/judge/facts.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';

/** The canary and what it is compared with. */
export interface Arms {
  readonly canary: Arm;
  readonly baseline: Arm;
}

/**
 * The arms of a period. Where the stable version served nothing (at 100 %, or silent), its history is what the canary is
 * compared with. With the switch `canaryMetrics` off only probes count.
 */
export function armsOf(facts: ArmFacts, history: BaselineHistory | undefined, policy: JudgePolicy): Arms {
  const counted = policy.measures === 'metrics-and-probes';
  const canary: Arm = { counts: counted ? facts.canary : undefined, probes: facts.probes };
  const served = (facts.baseline?.requests ?? 0) > 0;
  const counts = counted ? (served ? facts.baseline : history?.counts) : undefined;
  return { canary, baseline: { counts, probes: facts.baselineProbes } };
}
