import { slowestIntervalSeconds } from '#releases/look-interval.ts';
import type { Reason, Release } from '#releases/release.ts';
import { type Step, stepDeadlineSeconds, stepsOf } from '#releases/step.ts';

/** A stage looks every minute at the slowest, where the source of its metrics is no slower. */
const STAGE_INTERVAL_SECONDS_MAX = 60;
/** All tries of a look are used up sooner than this. */
const TRIES_SECONDS_MAX = 540;

/** No source is told to wait longer for its data to settle. */
const SETTLE_SECONDS_MAX = 3_600;

/** A release without steps waits for its versions to be prepared for as long as this (functions/rollout/prepare.ts). */
const PREPARATION_SECONDS_MAX = 1_800;

const secondsSince = (then: string, now: number): number => Math.round((now - Date.parse(then)) / 1_000);

/** Deadlines are found to be over at a look, and so as much later as looks are rarer than a stage's own. */
const lateSeconds = (release: Release, steps: readonly Step[]): number => {
  const intervals = steps.map((step) => slowestIntervalSeconds(release, step, STAGE_INTERVAL_SECONDS_MAX));
  const latest = Math.max(STAGE_INTERVAL_SECONDS_MAX, ...intervals) - STAGE_INTERVAL_SECONDS_MAX;
  // A hold and a pause have a deadline each.
  return (steps.length + 2) * latest;
};

/** What all of a release's deadlines come to, with hooks, a hold and a pause that last as long as they may. */
const longestSeconds = (release: Release): number => {
  const { plan, hooks = [] } = release;
  const waited = hooks.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 0);
  const steps = stepsOf(release);
  const preparing = steps.length === 0 ? PREPARATION_SECONDS_MAX : 0;
  const late = lateSeconds(release, steps);
  return steps.reduce(
    (sum, step) => sum + stepDeadlineSeconds(plan, step, SETTLE_SECONDS_MAX),
    preparing + plan.holdSeconds + plan.pauseSeconds + waited + late,
  );
};

/**
 * Why an open release is taken for stuck, though its workflow is there: its looks have stopped, or it is open for longer
 * than anything in it may take.
 */
export const stuckReason = (release: Release, nowMs: number): Reason | undefined => {
  const { mode, progress, startedAt, verified } = release;
  // Nobody looks any more once it is promoted, however long its hooks then take.
  const isLookedAt = mode === 'forward' && verified?.at !== 'new';
  const silent = progress?.lookedAt === undefined ? 0 : secondsSince(progress.lookedAt, nowMs);
  const interval =
    progress === undefined ? 0 : slowestIntervalSeconds(release, progress, STAGE_INTERVAL_SECONDS_MAX);
  if (isLookedAt && silent > interval + TRIES_SECONDS_MAX)
    return {
      code: 'looks-stopped',
      text: `the last look was ${silent} s ago; one comes every ${interval} s at least`,
      facts: { silentSeconds: silent, intervalSeconds: interval },
    };
  const open = startedAt === undefined ? 0 : secondsSince(startedAt, nowMs);
  const longest = longestSeconds(release);
  if (open <= longest) return undefined;
  return {
    code: 'open-too-long',
    text: `open for ${open} s, and all of its deadlines together come to ${longest} s`,
    facts: { openSeconds: open, longestSeconds: longest },
  };
};
