import * as z from 'zod';
import { evidenceSchema } from '#rollout/judge/evidence.ts';
import { armFactsSchema, baselineHistorySchema } from '#rollout/judge/facts.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { reasonSchema } from '#rollout/judge/reasons.ts';
import { judgedRoundSchema, roundFactsSchema } from '#rollout/judge/round.ts';
import { stageStateSchema } from '#rollout/judge/stage-state.ts';

/** `final` is the stage at 100 %: there is no second arm. `rounds` of `roundSeconds` are what it must have judged. */
export const stagePlanSchema = z.strictObject({
  index: z.int().min(0),
  weightPercent: z.number().gt(0).max(100),
  rounds: z.int().min(1),
  roundSeconds: z.number().gt(0),
  final: z.boolean(),
});
export type StagePlan = Readonly<z.infer<typeof stagePlanSchema>>;

export const lookFactsSchema = z.strictObject({
  /** Seconds of settled data since the stage began. */
  judgedSeconds: z.number().min(0),
  /** From the start of the stage to the last settled period. */
  cumulative: armFactsSchema,
  /**
   * The same of the stage before, while data of it still settles: what came after its last look counts for its evidence, and
   * for nothing else.
   */
  before: armFactsSchema.optional(),
  /** Rounds completed since the last look. */
  rounds: z.array(roundFactsSchema),
  history: baselineHistorySchema.optional(),
});
export type LookFacts = Readonly<z.infer<typeof lookFactsSchema>>;

export const guardAlarmSchema = z.strictObject({
  name: z.string(),
  state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
});
export type GuardAlarm = Readonly<z.infer<typeof guardAlarmSchema>>;

export const lookInputSchema = z.strictObject({
  policy: judgePolicySchema,
  stage: stagePlanSchema,
  facts: lookFactsSchema,
  /** The stage's own: once passed, a stage that still can't be promoted is held or restored. */
  deadline: z.enum(['open', 'passed']),
  alarms: z.array(guardAlarmSchema).optional(),
  state: stageStateSchema,
});
export type LookInput = Readonly<z.infer<typeof lookInputSchema>>;

export const verdictSchema = z.enum(['continue', 'promote', 'extend', 'hold', 'rollback']);
export type Verdict = z.infer<typeof verdictSchema>;

/** `reasons` begins with what decided; explanations follow. `score` and `baselineScore` are of the stage so far. */
export const lookResultSchema = z.strictObject({
  verdict: verdictSchema,
  score: z.number().optional(),
  scoreUpper: z.number().optional(),
  baselineScore: z.number().optional(),
  evidence: evidenceSchema,
  rounds: z.array(judgedRoundSchema),
  reasons: z.array(reasonSchema),
  state: stageStateSchema,
});
export type LookResult = Readonly<z.infer<typeof lookResultSchema>>;
