import * as z from 'zod';

/** Upper bounds, in ms, of the latency counts a source is asked for when a service names none. */
export const LATENCY_GRID_MS = [50, 100, 200, 250, 500, 1000, 2000, 5000] as const;

/** How many; non-integer because sampled or divided counts are allowed. */
const count = z.number().min(0);
const milliseconds = z.number().min(0);
const boundMs = z
  .string()
  .regex(/^[1-9]\d*(\.\d+)?$/, 'a latency bound is a positive number of milliseconds');

export const latencyMsSchema = z.strictObject({
  p50: milliseconds.optional(),
  p95: milliseconds.optional(),
  p99: milliseconds.optional(),
});
export type LatencyMs = Readonly<z.infer<typeof latencyMsSchema>>;

/** A goal of an experiment, as its count is named in the facts. */
export const goalNameSchema = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/);

/** How often a goal was reached: `good` of `total`, each of whatever is counted once, for example a session. */
export const goalCountSchema = z.strictObject({ good: count, total: count });
export type GoalCount = Readonly<z.infer<typeof goalCountSchema>>;

/**
 * What one arm (canary or baseline) served in a period. An absent member is missing, not zero.
 * `slowerThan` maps a bound in ms to the requests slower than it; `latencyMs` is a summary that can't be added exactly.
 * `errorsOf` and `slowOf` say how many of the requests those counts cover, where a source had gaps; absent means all.
 */
export const armCountsSchema = z.strictObject({
  requests: count.optional(),
  errors: count.optional(),
  errorsOf: count.optional(),
  latencyMs: latencyMsSchema.optional(),
  slowerThan: z.record(boundMs, count).optional(),
  slowOf: count.optional(),
  /** Counts that experiments ask about, by name; each says itself what it covers. */
  goals: z.record(goalNameSchema, goalCountSchema).optional(),
});
export type ArmCounts = Readonly<z.infer<typeof armCountsSchema>>;

export const probeCountsSchema = z.strictObject({ attempts: count, successes: count });
export type ProbeCounts = Readonly<z.infer<typeof probeCountsSchema>>;

/** One period of both arms. `probes` go to the canary; `baselineProbes` to the stable version where a source has them. */
export const armFactsSchema = z.strictObject({
  canary: armCountsSchema.optional(),
  baseline: armCountsSchema.optional(),
  probes: probeCountsSchema.optional(),
  baselineProbes: probeCountsSchema.optional(),
});
export type ArmFacts = Readonly<z.infer<typeof armFactsSchema>>;

const dispersion = z.number().min(1);

/** φ = max(1, variance / mean) per count over past looks of the baseline. */
export const dispersionSchema = z.strictObject({
  errors: dispersion.optional(),
  slowerThan: z.record(boundMs, dispersion).optional(),
});

/** The baseline's recent past (default 60 min), taken before the first shift. */
export const baselineHistorySchema = z.strictObject({
  counts: armCountsSchema.optional(),
  dispersion: dispersionSchema.optional(),
});
export type BaselineHistory = Readonly<z.infer<typeof baselineHistorySchema>>;

/** `events` of `trials` requests. */
export interface Proportion {
  readonly events: number;
  readonly trials: number;
}

/** Errors and the requests they were counted over; nothing when either is missing or there were no requests. */
export function errorsOf(arm: ArmCounts | undefined): Proportion | undefined {
  return proportion(arm?.errors, arm?.errorsOf ?? arm?.requests);
}

export function slowOf(arm: ArmCounts | undefined, boundMs: number): Proportion | undefined {
  return proportion(arm?.slowerThan?.[String(boundMs)], arm?.slowOf ?? arm?.requests);
}

/** Nothing when the arm doesn't know the goal, or nobody could have reached it. */
export function goalOf(arm: ArmCounts | undefined, name: string): Proportion | undefined {
  const goal = arm?.goals?.[name];
  return proportion(goal?.good, goal?.total);
}

/** The bounds that an arm has counts for, rising. */
export function boundsOf(arm: ArmCounts | undefined): number[] {
  return Object.keys(arm?.slowerThan ?? {})
    .map(Number)
    .sort((a, b) => a - b);
}

/** More events than requests happens when a source stamps them differently; the excess is not evidence. */
function proportion(events: number | undefined, trials: number | undefined): Proportion | undefined {
  if (events === undefined || trials === undefined || trials === 0) return undefined;
  return { events: Math.min(events, trials), trials };
}

/**
 * The sum of two periods of one arm. Where only one period has a count, the sum covers that period alone and says so in
 * `errorsOf`/`slowOf`. Percentiles can't be added; the request-weighted mean stands in where it means something.
 */
export function addArms(one: ArmCounts | undefined, other: ArmCounts | undefined): ArmCounts | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const requests = plus(one.requests, other.requests);
  const latencyMs = meanLatency(one, other);
  return {
    ...(requests !== undefined && { requests }),
    ...addErrors(one, other, requests),
    ...(latencyMs !== undefined && { latencyMs }),
    ...addSlow(one, other, requests),
    ...addGoals(one, other),
  };
}

export function addProbes(
  one: ProbeCounts | undefined,
  other: ProbeCounts | undefined,
): ProbeCounts | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { attempts: one.attempts + other.attempts, successes: one.successes + other.successes };
}

function plus(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other;
}

function addErrors(one: ArmCounts, other: ArmCounts, requests: number | undefined): Partial<ArmCounts> {
  const covered = [one, other].filter((arm) => arm.errors !== undefined && trialsOfErrors(arm) !== undefined);
  if (covered.length === 0) return {};
  const trials = total(covered, trialsOfErrors);
  return { errors: total(covered, (arm) => arm.errors), ...(trials !== requests && { errorsOf: trials }) };
}

function addSlow(one: ArmCounts, other: ArmCounts, requests: number | undefined): Partial<ArmCounts> {
  const covered = [one, other].filter((arm) => boundsOf(arm).length > 0 && trialsOfSlow(arm) !== undefined);
  const bounds = boundsOf(covered[0]).filter((bound) =>
    covered.every((arm) => arm.slowerThan?.[String(bound)] !== undefined),
  );
  if (bounds.length === 0) return {};
  const slowerThan = Object.fromEntries(
    bounds.map((bound) => [String(bound), total(covered, (arm) => arm.slowerThan?.[String(bound)])]),
  );
  const trials = total(covered, trialsOfSlow);
  return { slowerThan, ...(trials !== requests && { slowOf: trials }) };
}

function addGoals(one: ArmCounts, other: ArmCounts): Partial<ArmCounts> {
  const names = new Set([one, other].flatMap(({ goals }) => Object.keys(goals ?? {})));
  if (names.size === 0) return {};
  const goals = [...names].map((name) => [name, addGoal(one.goals?.[name], other.goals?.[name])] as const);
  return { goals: Object.fromEntries(goals) };
}

function addGoal(one: GoalCount | undefined, other: GoalCount | undefined): GoalCount {
  return {
    good: (one?.good ?? 0) + (other?.good ?? 0),
    total: (one?.total ?? 0) + (other?.total ?? 0),
  };
}

function trialsOfErrors(arm: ArmCounts): number | undefined {
  return arm.errorsOf ?? arm.requests;
}

function trialsOfSlow(arm: ArmCounts): number | undefined {
  return arm.slowOf ?? arm.requests;
}

function total(arms: readonly ArmCounts[], of: (arm: ArmCounts) => number | undefined): number {
  return arms.reduce((sum, arm) => sum + (of(arm) ?? 0), 0);
}

/** Requests that must lie beyond a percentile before a period's own figure is worth averaging: below, it is biased low. */
const REQUESTS_BEYOND_MIN = 5;
const SLOWER_SHARE = { p50: 0.5, p95: 0.05, p99: 0.01 } as const;

function meanLatency(one: ArmCounts, other: ArmCounts): LatencyMs | undefined {
  const levels = Object.keys(SLOWER_SHARE) as (keyof LatencyMs)[];
  const means = levels.flatMap((level) => {
    const known = [one, other].flatMap(({ requests = 0, latencyMs }) => {
      const value = latencyMs?.[level];
      const enough = requests * SLOWER_SHARE[level] >= REQUESTS_BEYOND_MIN;
      return value !== undefined && enough ? [{ requests, value }] : [];
    });
    const requests = known.reduce((sum, arm) => sum + arm.requests, 0);
    const weighted = known.reduce((sum, arm) => sum + arm.requests * arm.value, 0);
    return known.length === 0 ? [] : [[level, weighted / requests] as const];
  });
  return means.length === 0 ? undefined : Object.fromEntries(means);
}
