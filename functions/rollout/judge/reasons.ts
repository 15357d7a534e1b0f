import * as z from 'zod';

/** Everything a verdict can give as its reason; closed, so that messages, records and alarms can rely on it. */
export const reasonCodeSchema = z.enum([
  // roll back
  'evidence',
  'failed-rounds',
  'score-low',
  'probes-down',
  'probes-failing',
  'guard-alarm',
  'insufficient-data',
  // promote
  'stage-passed',
  // not yet
  'rounds-open',
  'round-failed',
  'round-inconclusive',
  'canary-requests-few',
  'probes-few',
  'baseline-silent',
  'interval-wide',
  // explain
  'limit-missed',
  'points-lost',
  'data-missing',
  'baseline-unhealthy',
  'baseline-drift',
  // experiments
  'experiment-open',
  'experiment-won',
  'experiment-undecided',
  'experiment-stopped',
  'sample-small',
  'sample-short',
  'sample-ratio-mismatch',
  'goal-missing',
  'horizon-partial-week',
]);

const factSchema = z.union([
  z.number(),
  z.string(),
  z.boolean(),
  z.null(),
  z.array(z.union([z.number(), z.string(), z.null()])),
]);

/** `text` is for people and names its numbers; `facts` are the same numbers for machines. */
export const reasonSchema = z.strictObject({
  code: reasonCodeSchema,
  text: z.string(),
  facts: z.record(z.string(), factSchema),
});
export type ReasonCode = z.infer<typeof reasonCodeSchema>;
export type Reason = Readonly<z.infer<typeof reasonSchema>>;
