import type { ArmCounts, ArmFacts } from '#rollout/judge/facts.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import type { LookInput, LookResult } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';

export const defaultPolicy = judgePolicySchema.parse({});

/** An arm with `errors` of `requests` and a latency whose slow counts fall as a healthy service's do. */
export function arm(requests: number, errors: number, overrides: Partial<ArmCounts> = {}): ArmCounts {
  const slow = (share: number) => Math.round(requests * share);
  return {
    requests,
    errors,
    latencyMs: { p50: 40, p95: 110, p99: 300 },
    slowerThan: { '50': slow(0.4), '100': slow(0.06), '200': slow(0.02), '500': slow(0.002), '2000': 0 },
    ...overrides,
  };
}

export const probesUp = { attempts: 6, successes: 6 } as const;

/** A look at 10 % of traffic, with three rounds of 60 s, in which nothing has happened yet. */
export function look(overrides: Partial<LookInput> = {}): LookInput {
  return {
    policy: defaultPolicy,
    stage: { index: 0, weightPercent: 10, rounds: 3, roundSeconds: 60, final: false },
    facts: { judgedSeconds: 0, cumulative: {}, rounds: [] },
    deadline: 'open',
    state: initialStageState(),
    ...overrides,
  };
}

/** The look at which `rounds` complete: each has `perRound` counts, the cumulative counts are their sum. */
export function lookAfterRounds(
  rounds: readonly ArmFacts[],
  perStage: ArmFacts,
  overrides: Partial<LookInput> = {},
): LookInput {
  return look({
    facts: {
      judgedSeconds: rounds.length * 60,
      cumulative: perStage,
      rounds: rounds.map((facts, index) => ({ ...facts, number: index + 1 })),
    },
    ...overrides,
  });
}

export function codes(result: Pick<LookResult, 'reasons'>): string[] {
  return result.reasons.map(({ code }) => code);
}
