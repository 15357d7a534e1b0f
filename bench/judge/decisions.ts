import { planOf } from '#policy/plan.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import type { LookInput } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import type { Random } from './random.ts';
import { identical } from './scenarios.ts';
import { pastOf, simulate } from './simulated-rollout.ts';

const MILLISECONDS = 2_000;

/** How many looks with everything in them (both arms, all latency bounds, a round, a history) are judged in a second. */
export function decisionsPerSecond(random: Random): number {
  const scenario = identical(planOf('standard'), 200, 0.01, 0);
  const history = pastOf(random, scenario);
  const { looks, rounds } = simulate(random, scenario, history);
  const policy = judgePolicySchema.parse({});
  const inputs = looks.map(({ facts }, index): LookInput => {
    const round = rounds[index % rounds.length]?.facts ?? {};
    return {
      policy,
      stage: { index: 0, weightPercent: 5, rounds: 3, roundSeconds: 60, final: false },
      facts: { judgedSeconds: 60, cumulative: facts, rounds: [{ number: 1, ...round }], history },
      deadline: 'open',
      state: initialStageState(),
    };
  });
  const began = performance.now();
  let decided = 0;
  while (performance.now() - began < MILLISECONDS) {
    for (const input of inputs) judgeLook(input);
    decided += inputs.length;
  }
  return (1_000 * decided) / (performance.now() - began);
}
