import { errorsOf } from '#rollout/judge/facts.ts';
import { scoreHealth } from '#rollout/judge/health-score.ts';
import { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import type { Outcome } from './simulated-rollout.ts';

const policy = JudgePolicy.parse({});
type Round = Outcome['rounds'][number];

/** What judges without statistics do with the same rounds: the point estimate against the limit. */
export const PLAIN_RULES: Readonly<Record<string, (rounds: readonly Round[]) => boolean>> = {
  'two rounds over a limit': (rounds) =>
    rounds.some((round, index) => {
      const before = rounds[index - 1];
      return before?.stage === round.stage && isOverLimit(before) && isOverLimit(round);
    }),
  'average score < 85': (rounds) =>
    [...Map.groupBy(rounds, ({ stage }) => stage).values()].some((inStage) => {
      const scores = inStage.flatMap((round) => pointScore(round) ?? []);
      return scores.reduce((sum, score) => sum + score, 0) < 85 * scores.length;
    }),
  'p95 +20 %': (rounds) => rounds.some((round) => p95Increase(round) > 0.2),
};

function isOverLimit(round: Round): boolean {
  const errors = errorsOf(round.canary);
  return (errors !== undefined && errors.events / errors.trials > 0.01) || p95Increase(round) > 0.2;
}

function p95Increase({ canary, baseline }: Round): number {
  const [p95, reference] = [canary?.latencyMs?.p95, baseline?.latencyMs?.p95];
  return p95 === undefined || reference === undefined ? 0 : p95 / reference - 1;
}

/** The health score with its limits as they stand, whatever the baseline's own health. */
function pointScore({ canary, baseline, probes }: Round): number | undefined {
  const reference = baseline?.latencyMs === undefined ? {} : { counts: { latencyMs: baseline.latencyMs } };
  const health = scoreHealth({ counts: canary, probes }, reference, undefined, policy);
  return health.coverage === 'inconclusive' ? undefined : health.score;
}
