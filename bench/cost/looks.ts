import type { Stage } from '#policy/plan.ts';
import { roundsSettled, settledWindow } from '#rollout/stage-clock.ts';

export interface LookTiming {
  readonly periodSeconds: number;
  readonly settleSeconds: number;
  /** From one look to the next. */
  readonly waitSeconds: number;
}

export interface StageLooks {
  readonly looks: number;
  /** Looks at which something has settled: only these ask for metrics. */
  readonly asking: number;
  /** Rounds that each look judges, for the looks that judge any: each is one batch of records. */
  readonly batches: readonly number[];
}

/** The workflow's first look comes this long after the shift. */
const FIRST_SECONDS = 1;

/**
 * The looks of a stage that goes well, on the stage's own clock. The shift comes just after a period began, which is the
 * worst moment: nearly a whole period passes before anything counts.
 */
export const looksOf = (stage: Stage, timing: LookTiming): StageLooks => {
  const shiftedAt = 1;
  const batches: number[] = [];
  let judged = 0;
  let asking = 0;
  for (let looks = 1; ; looks += 1) {
    const now = shiftedAt + (FIRST_SECONDS + (looks - 1) * timing.waitSeconds) * 1_000;
    const window = settledWindow(shiftedAt, now, timing.periodSeconds, timing.settleSeconds);
    if (window.to > window.from) asking += 1;
    const settled = roundsSettled(window, stage);
    if (settled > judged) batches.push(settled - judged);
    judged = settled;
    if (settled === stage.rounds) return { looks, asking, batches };
  }
};
