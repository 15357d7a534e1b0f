import * as z from 'zod';
import { actorSchema } from '#platform/actor.ts';
import { releaseIdSchema } from '#platform/ids.ts';
import { defineTasks } from '#platform/task.ts';
import { targetSchema } from '#policy/target.ts';
import { reasonSchema, releaseSchema, snapshotSchema } from '#releases/release.ts';
import { StageState } from '#rollout/judge/stage-state.ts';
import { stageProbesSchema } from '#rollout/stage-probes.ts';

/** What is carried from look to look and from stage to stage, so that a look needs nothing but its input and the facts. */
export const lookStateSchema = z.strictObject({
  judge: StageState,
  /** Looks taken in this stage. */
  looks: z.int().min(0),
  heldSince: z.iso.datetime().optional(),
  /** Absent where the service has no probes. */
  probes: stageProbesSchema.optional(),
});
export type LookState = z.infer<typeof lookStateSchema>;

const carriedTargetSchema = z.strictObject({
  subject: releaseSchema.pick({
    releaseId: true,
    service: true,
    environment: true,
    version: true,
    attempt: true,
  }),
  target: targetSchema,
  snapshot: snapshotSchema,
});

/** Why a workflow restores: a decision with its reasons, an error a state caught, or a fence that had moved. */
export const restoreCauseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reasons'), reasons: z.array(reasonSchema).min(1) }),
  z.strictObject({ kind: z.literal('error'), error: z.string(), detail: z.string() }),
  z.strictObject({ kind: z.literal('fenced') }),
]);

const fenced = { releaseId: releaseIdSchema, fence: z.int().min(1) };
const stage = z.int().min(0);

/** The tasks of the workflows that this slice answers. */
export const rolloutTasks = defineTasks({
  TakeSnapshot: {
    input: z.strictObject(fenced),
    output: z.strictObject({ carried: carriedTargetSchema, stages: z.int().min(1) }),
    functionTimeoutSeconds: 30,
  },
  ShiftTraffic: {
    input: z.strictObject({ ...fenced, stage }),
    output: z.strictObject({ result: z.enum(['done', 'fenced']), shiftedAt: z.iso.datetime() }),
    functionTimeoutSeconds: 30,
  },
  JudgeHealth: {
    input: z.strictObject({
      ...fenced,
      stage,
      shiftedAt: z.iso.datetime(),
      /** Null at the release's first look. */
      state: lookStateSchema.nullable(),
    }),
    output: z.strictObject({
      verdict: z.enum(['continue', 'promote', 'restore', 'fenced']),
      waitSeconds: z.number(),
      looks: z.int(),
      /** At `promote` this is what the next stage starts with. */
      state: lookStateSchema.nullable(),
      reasons: z.array(reasonSchema),
    }),
    functionTimeoutSeconds: 30,
  },
  RestoreTraffic: {
    input: z.strictObject({
      releaseId: releaseIdSchema,
      cause: restoreCauseSchema,
      carried: carriedTargetSchema.nullable(),
      abortedBy: actorSchema.optional(),
    }),
    output: z.strictObject({ kind: z.enum(['restored', 'nothing-moved', 'done']) }),
    functionTimeoutSeconds: 45,
  },
  PromoteVersion: {
    input: z.strictObject(fenced),
    output: z.strictObject({ result: z.enum(['done', 'fenced']) }),
    functionTimeoutSeconds: 30,
  },
});
