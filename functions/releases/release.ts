import * as z from 'zod';
import { actorSchema } from '#platform/actor.ts';
import { environmentNameSchema, releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';
import { guardAlarmsSchema } from '#policy/guard-alarms-schema.ts';
import { hooksSchema } from '#policy/hook-schema.ts';
import { metricDefinitionSchema } from '#policy/metric-definition.ts';
import { planSchema } from '#policy/plan.ts';
import { probeDefinitionSchema } from '#policy/probe-definition.ts';
import { STRATEGIES } from '#policy/strategy-schema.ts';
import { targetSchema } from '#policy/target.ts';
import { bakeSecondsSchema, WAVES_MAX, waveNameSchema } from '#policy/wave-definition.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { experimentResultSchema } from '#rollout/judge/experiment.ts';
import { baselineHistorySchema } from '#rollout/judge/facts.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';

export const REASON_TEXT_MAX = 1_000;

/**
 * `stage`: at one of the plan's weights. `bake`, `watch`: at 100 %, before the next wave and before the end. `experiment`: at
 * the weight of its split, for as long as its question takes.
 */
export const STEP_KINDS = ['experiment', 'stage', 'bake', 'watch'] as const;

/** Why something was decided, as people and the ledger read it. */
export const reasonSchema = z.strictObject({
  code: z.string().min(1).max(100),
  text: z.string().min(1).max(REASON_TEXT_MAX),
  facts: z.record(z.string(), z.unknown()).optional(),
});
export type Reason = z.infer<typeof reasonSchema>;

/**
 * How a release ends, exactly once. `rolled-back`: traffic had moved and is verified back. `completed`: so is that of an
 * experiment that came to the end it was planned to have, which is no failure. `aborted`: stopped before any traffic
 * moved. `refused`: the target or a rule said no before any traffic moved.
 */
export const outcomeSchema = z.enum(['promoted', 'rolled-back', 'completed', 'aborted', 'refused']);
export type Outcome = z.infer<typeof outcomeSchema>;

/** What "stable" means for one wave's target; taken once, before anything moves. */
export const snapshotSchema = z.strictObject({
  stableVersion: z.string(),
  /** Longest a request may run on the target, in seconds: how long its metrics take to settle depends on it. */
  timeoutSeconds: z.number().optional(),
  /** Where versions stand, on a target that has places for them: an ECS target's services by their names. */
  places: z.record(z.string(), z.string()).optional(),
  /** What the stable version showed before anything moved. */
  history: baselineHistorySchema.optional(),
  takenAt: z.iso.datetime(),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/**
 * One target, in the order in which the release reaches it, with all that may differ between targets. Later ones begin
 * when those before have all traffic on the new version and have baked.
 */
export const waveSchema = z.strictObject({
  name: waveNameSchema,
  target: targetSchema,
  /** What to run there, in the target's own terms. */
  version: z.string(),
  metrics: metricDefinitionSchema,
  probes: probeDefinitionSchema.optional(),
  /** How long the wave before is watched before this one begins; nothing is before the first. */
  bakeSeconds: bakeSecondsSchema,
});
export type Wave = z.infer<typeof waveSchema>;

/** Where the rollout stands: the step last begun, and what people are shown of its last look. */
export const progressSchema = z.strictObject({
  /** Steps of the whole release, over all waves; a later step's intent is never replaced by an earlier one's. */
  step: z.int().min(0),
  steps: z.int().min(1),
  kind: z.enum(STEP_KINDS),
  wave: z.int().min(0),
  /** Of the plan, in this wave. */
  stage: z.int().min(0),
  stages: z.int().min(0),
  /** The last recorded intent; the wave's canary traffic never exceeds it. */
  weightPercent: z.number().min(0).max(100),
  round: z.int().min(0).optional(),
  rounds: z.int().min(1).optional(),
  score: z.number().optional(),
  scoreUpper: z.number().optional(),
  baselineScore: z.number().optional(),
  verdict: z.string().optional(),
  reasons: z.array(reasonSchema).optional(),
  lookedAt: z.iso.datetime().optional(),
  /** What an experiment has shown, also after it was promoted on that. */
  experiment: experimentResultSchema.omit({ reasons: true }).optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/** A person's standing wish about a release that is on its way: what the next look does about it is its business. */
const wishSchema = z.strictObject({ by: actorSchema, reason: z.string(), at: z.iso.datetime() });

/** No step passes while it is there; looks go on, and a breach still restores. */
export const pauseSchema = wishSchema;
export type Pause = z.infer<typeof pauseSchema>;

/** This step passes at the next look that has data and sees nothing wrong, whatever is left of its rounds. */
export const promotionWishSchema = wishSchema.extend({ step: z.int().min(0) });
export type PromotionWish = z.infer<typeof promotionWishSchema>;

/**
 * The one item that decides. `mode` only moves forward → restoring → done or forward → done, and every restore raises
 * `fence` first; whoever moves traffic compares both before the effect and again after it.
 */
export const releaseSchema = z.strictObject({
  releaseId: releaseIdSchema,
  service: serviceNameSchema,
  environment: environmentNameSchema,
  version: z.string(),
  strategy: z.enum(STRATEGIES),
  notes: z.string().optional(),
  requestedBy: actorSchema,
  requestedAt: z.iso.datetime(),
  /** As it was asked for, whatever the service's definition made of it. Absent where nobody asked for a version. */
  request: releaseRequestSchema.optional(),
  /** Of a rollback: the release whose version it takes back. */
  rollsBack: z
    .strictObject({ releaseId: releaseIdSchema, reason: z.string(), keyDigest: z.string() })
    .optional(),
  retryOf: z.strictObject({ releaseId: releaseIdSchema, reason: z.string() }).optional(),
  /** It takes the place of a release that is active when it is asked for: the service's policy. */
  supersedes: z.literal(true).optional(),
  /** It holds no lock yet: the release whose place it takes has not ended. */
  waiting: z.literal(true).optional(),
  /** Alarms of the service that bring traffic back. */
  guardAlarms: guardAlarmsSchema.optional(),
  hooks: hooksSchema.optional(),
  waves: z.array(waveSchema).min(1).max(WAVES_MAX),
  plan: planSchema,
  judge: judgePolicySchema,
  attempt: z.int().min(1),
  mode: z.enum(['forward', 'restoring', 'done']),
  fence: z.int().min(1),
  startedAt: z.iso.datetime().optional(),
  /** Of every wave, in their order; taken together, before anything moves. */
  snapshots: z.array(snapshotSchema).optional(),
  progress: progressSchema.optional(),
  /** Why it is being restored: the first cause to arrive stays. */
  restoreCause: z.array(reasonSchema).optional(),
  /** When the first restore began. */
  restoringSince: z.iso.datetime().optional(),
  abortedBy: actorSchema.optional(),
  paused: pauseSchema.optional(),
  /** Keys of the wishes that were taken: one that comes again, however late, is known for what it is. */
  wishes: z.array(z.string()).optional(),
  promotionWish: promotionWishSchema.optional(),
  /** Traffic was read back and found at this place while the fence had this value. */
  verified: z
    .strictObject({ at: z.enum(['stable', 'new']), fence: z.int(), time: z.iso.datetime() })
    .optional(),
  /** Recovery workflows started for it. */
  recoveries: z.int().min(0),
  outcome: outcomeSchema.optional(),
  reasons: z.array(reasonSchema).optional(),
  concludedAt: z.iso.datetime().optional(),
});
export type Release = z.infer<typeof releaseSchema>;

/** One word for where a release is. */
export const phaseOf = (
  release: Release,
): 'waiting' | 'accepted' | 'running' | 'restoring' | 'concluding' | Outcome => {
  if (release.mode === 'done')
    return release.concludedAt === undefined || release.outcome === undefined
      ? 'concluding'
      : release.outcome;
  if (release.mode === 'restoring') return 'restoring';
  if (release.waiting) return 'waiting';
  return release.startedAt === undefined ? 'accepted' : 'running';
};

/** The first reason of an experiment's restore that came to the end it was planned to have. */
export const EXPERIMENT_OVER = 'experiment-over';

const hasCause = ({ restoreCause = [] }: Release, code: string): boolean =>
  restoreCause.some((cause) => cause.code === code);

/**
 * What a release that is being restored ends as. Before the first recorded intent to move traffic nothing can have
 * moved, because the shift needs that intent.
 */
export const restoredOutcome = (release: Release): Exclude<Outcome, 'promoted'> => {
  if (release.progress !== undefined) return hasCause(release, EXPERIMENT_OVER) ? 'completed' : 'rolled-back';
  return hasCause(release, 'refused') ? 'refused' : 'aborted';
};
