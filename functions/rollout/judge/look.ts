import * as z from 'zod';
import { Evidence } from '#rollout/judge/evidence.ts';
import { ArmFacts, BaselineHistory } from '#rollout/judge/facts.ts';
import { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { Reason } from '#rollout/judge/reasons.ts';
import { JudgedRound, RoundFacts } from '#rollout/judge/round.ts';
import { StageState } from '#rollout/judge/stage-state.ts';

/** `final` is the stage at 100 %: there is no second arm. `rounds` of `roundSeconds` are what it must have judged. */
export const StagePlan = z.strictObject({
  index: z.int().min(0),
  weightPercent: z.number().gt(0).max(100),
  rounds: z.int().min(1),
  roundSeconds: z.number().gt(0),
  final: z.boolean(),
});
export type StagePlan = Readonly<z.infer<typeof StagePlan>>;

export const LookFacts = z.strictObject({
  /** Seconds of settled data since the stage began. */
  judgedSeconds: z.number().min(0),
  /** From the start of the stage to the last settled period. */
  cumulative: ArmFacts,
  /**
   * The same of the stage before, while data of it still settles: what came after its last look counts for its evidence, and
   * for nothing else.
   */
  before: ArmFacts.optional(),
  /** Rounds completed since the last look. */
  rounds: z.array(RoundFacts),
  history: BaselineHistory.optional(),
});
export type LookFacts = Readonly<z.infer<typeof LookFacts>>;

export const GuardAlarm = z.strictObject({
  name: z.string(),
  state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
});
export type GuardAlarm = Readonly<z.infer<typeof GuardAlarm>>;

export const LookInput = z.strictObject({
  policy: JudgePolicy,
  stage: StagePlan,
  facts: LookFacts,
  /** The stage's own: once passed, a stage that still can't be promoted is held or restored. */
  deadline: z.enum(['open', 'passed']),
  alarms: z.array(GuardAlarm).optional(),
  state: StageState,
});
export type LookInput = Readonly<z.infer<typeof LookInput>>;

export const Verdict = z.enum(['continue', 'promote', 'extend', 'hold', 'rollback']);
export type Verdict = z.infer<typeof Verdict>;

/** `reasons` begins with what decided; explanations follow. `score` and `baselineScore` are of the stage so far. */
export const LookResult = z.strictObject({
  verdict: Verdict,
  score: z.number().optional(),
  scoreUpper: z.number().optional(),
  baselineScore: z.number().optional(),
  evidence: Evidence,
  rounds: z.array(JudgedRound),
  reasons: z.array(Reason),
  state: StageState,
});
export type LookResult = Readonly<z.infer<typeof LookResult>>;
