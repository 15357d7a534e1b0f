import * as z from 'zod';
import { armsOf } from '#rollout/judge/arms.ts';
import type { Component } from '#rollout/judge/components.ts';
import { armFactsSchema, type BaselineHistory } from '#rollout/judge/facts.ts';
import { describe, explainScore, scoreHealth } from '#rollout/judge/health-score.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { type Reason, reasonSchema } from '#rollout/judge/reasons.ts';

/** A round's own counts; `number` counts from 1 within the stage and goes on when the stage is extended. */
export const roundFactsSchema = z.strictObject({ number: z.int().min(1), ...armFactsSchema.shape });
export type RoundFacts = Readonly<z.infer<typeof roundFactsSchema>>;

const componentNameSchema = z.enum([
  'availability',
  'error-rate',
  'latency-p95',
]) satisfies z.ZodType<Component>;

/**
 * `failed`: a promotion limit is missed beyond chance, whatever else is missing. `partial`: not failed, but a component has
 * no data. `inconclusive`: no data at all, hence no score.
 */
export const judgedRoundSchema = z.strictObject({
  number: z.int().min(1),
  status: z.enum(['passed', 'failed', 'partial', 'inconclusive']),
  score: z.number().optional(),
  scoreUpper: z.number().optional(),
  baselineScore: z.number().optional(),
  missed: z.array(componentNameSchema),
  missing: z.array(componentNameSchema),
  reasons: z.array(reasonSchema),
});
export type JudgedRound = Readonly<z.infer<typeof judgedRoundSchema>>;

export function judgeRound(
  facts: RoundFacts,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): JudgedRound {
  const { canary, baseline } = armsOf(facts, history, policy);
  const health = scoreHealth(canary, baseline, history, policy);
  const baselineHealth = scoreHealth(baseline, baseline, history, policy);
  const missed = health.measures.filter((measure) => measure.missed);
  const limitsMissed = missed.map(
    (measure): Reason => ({
      code: 'limit-missed',
      text: `round ${facts.number}: ${describe(measure, canary, baseline)}, missed beyond chance`,
      facts: {
        round: facts.number,
        component: measure.component,
        value: measure.value,
        favourable: measure.favourable,
        limit: measure.scale.promotion,
      },
    }),
  );
  return {
    number: facts.number,
    status: missed.length > 0 ? 'failed' : health.coverage === 'complete' ? 'passed' : health.coverage,
    ...(health.coverage !== 'inconclusive' && { score: health.score, scoreUpper: health.scoreUpper }),
    ...(baselineHealth.coverage !== 'inconclusive' && { baselineScore: baselineHealth.score }),
    missed: missed.map(({ component }) => component),
    missing: [...health.missing],
    reasons: [...limitsMissed, ...explainScore(health, canary, baseline)],
  };
}
