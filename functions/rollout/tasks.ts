import * as z from 'zod';
import { actorSchema } from '#platform/actor.ts';
import { releaseIdSchema } from '#platform/ids.ts';
import { defineTasks } from '#platform/task.ts';
import { reasonSchema } from '#releases/release.ts';
import { carriedTargetsSchema } from '#rollout/carried-targets-schema.ts';
import { countedSchema } from '#rollout/counted-facts.ts';
import { hookStateSchema } from '#rollout/hooks.ts';
import { experimentResultSchema } from '#rollout/judge/experiment.ts';
import { stageStateSchema } from '#rollout/judge/stage-state.ts';
import { stageProbesSchema } from '#rollout/stage-probes.ts';
import { stageTailSchema } from '#rollout/stage-tail.ts';

/** What is known of one wave's traffic at the present step. */
const waveStateSchema = z.strictObject({
  judge: stageStateSchema,
  /** Absent where the wave has no probes. */
  probes: stageProbesSchema.optional(),
  /** Of the step before, what was still to settle when it passed. */
  tail: stageTailSchema.optional(),
  /** Of this step, what would be if it passed now. */
  unsettled: stageTailSchema.optional(),
  /** Of an experiment, what is not read again. */
  counted: countedSchema.optional(),
  /** Of an experiment, the last look that judged a round with data. */
  heardAt: z.iso.datetime().optional(),
});
export type WaveState = z.infer<typeof waveStateSchema>;

/** What is carried from look to look and from step to step, so that a look needs nothing but its input and the facts. */
export const lookStateSchema = waveStateSchema.extend({
  /** Looks taken in this step. */
  looks: z.int().min(0),
  heldSince: z.iso.datetime().optional(),
  /** Of the present stage. */
  hooks: hookStateSchema.optional(),
  /** Since when it would have been restored, had that not been switched off. */
  unrestoredSince: z.iso.datetime().optional(),
  /** Of an experiment that is concluded: with what, and when that was seen. */
  experiment: z.strictObject({ result: experimentResultSchema, at: z.iso.datetime() }).optional(),
  /** Waves before the present one, which are at 100 % and looked at as well. */
  earlier: z.array(waveStateSchema).default([]),
});
export type LookState = z.infer<typeof lookStateSchema>;

/** Why a workflow restores: a decision with its reasons, an error a state caught, or a fence that had moved. */
export const restoreCauseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reasons'), reasons: z.array(reasonSchema).min(1) }),
  z.strictObject({ kind: z.literal('error'), error: z.string(), detail: z.string() }),
  z.strictObject({ kind: z.literal('fenced') }),
]);

const fenced = { releaseId: releaseIdSchema, fence: z.int().min(1) };
const step = z.int().min(0);

/** The tasks of the workflows that this slice answers. */
export const rolloutTasks = defineTasks({
  TakeSnapshot: {
    input: z.strictObject(fenced),
    output: z.strictObject({
      carried: carriedTargetsSchema,
      steps: z.int().min(0),
      /** Whether there are hooks to be asked before traffic, and after the promotion. */
      hooksBefore: z.boolean(),
      hooksAfter: z.boolean(),
    }),
    functionTimeoutSeconds: 30,
  },
  RunHooks: {
    input: z.strictObject({
      ...fenced,
      at: z.enum(['before-traffic', 'after-promotion']),
      /** Null when they are asked for the first time. */
      state: hookStateSchema.nullable(),
    }),
    output: z.strictObject({
      result: z.enum(['passed', 'pending', 'failed', 'fenced']),
      state: hookStateSchema,
      reasons: z.array(reasonSchema),
    }),
    functionTimeoutSeconds: 30,
  },
  ShiftTraffic: {
    input: z.strictObject({
      ...fenced,
      step,
      /** When this step was first found not to be ready for its traffic; null at the first try. */
      preparingSince: z.iso.datetime().nullable(),
    }),
    output: z.strictObject({
      /** `waiting`: nothing was shifted; ask again in a moment. */
      result: z.enum(['done', 'fenced', 'waiting']),
      shiftedAt: z.iso.datetime(),
      preparingSince: z.iso.datetime().nullable(),
    }),
    functionTimeoutSeconds: 30,
  },
  JudgeHealth: {
    input: z.strictObject({
      ...fenced,
      step,
      shiftedAt: z.iso.datetime(),
      /** Null at the release's first look. */
      state: lookStateSchema.nullable(),
    }),
    output: z.strictObject({
      verdict: z.enum(['continue', 'promote', 'restore', 'fenced']),
      waitSeconds: z.number(),
      looks: z.int(),
      /** At `promote` this is what the next step starts with. */
      state: lookStateSchema.nullable(),
      reasons: z.array(reasonSchema),
    }),
    functionTimeoutSeconds: 30,
  },
  RestoreTraffic: {
    input: z.strictObject({
      releaseId: releaseIdSchema,
      cause: restoreCauseSchema,
      carried: carriedTargetsSchema.nullable(),
      abortedBy: actorSchema.optional(),
    }),
    output: z.strictObject({ kind: z.enum(['restored', 'nothing-moved', 'done']) }),
    functionTimeoutSeconds: 45,
  },
  RetireTargets: {
    input: z.strictObject({ releaseId: releaseIdSchema }),
    output: z.strictObject({ result: z.literal('done') }),
    functionTimeoutSeconds: 30,
  },
  PromoteVersion: {
    input: z.strictObject({
      ...fenced,
      /** When a version was first found not to be ready for its traffic; null at the first try. */
      preparingSince: z.iso.datetime().nullable(),
    }),
    output: z.strictObject({
      /** `waiting`: nothing was promoted; ask again in a moment. */
      result: z.enum(['done', 'fenced', 'waiting']),
      preparingSince: z.iso.datetime().nullable(),
    }),
    functionTimeoutSeconds: 30,
  },
});
