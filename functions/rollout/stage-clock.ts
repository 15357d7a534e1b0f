import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Stage } from '#policy/plan.ts';
import type { Snapshot } from '#releases/release.ts';
import type { ArmFacts } from '#rollout/judge/facts.ts';
import { addArms, addProbes } from '#rollout/judge/facts.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';

/** What of a stage's data is settled: from the first whole period under its weight to the last settled one. */
export interface Settled {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** Lambda's metrics may come this long after the function's time-out (canary-judge, Facts). */
const LAMBDA_SETTLE_SECONDS = 120;

/** Seconds until a period's counts no longer change: as the service says, else from how long a request may run. */
export const settleSecondsOf = (
  metrics: Pick<MetricDefinition, 'settleSeconds'>,
  snapshot: Pick<Snapshot, 'timeoutSeconds'>,
): number => metrics.settleSeconds ?? (snapshot.timeoutSeconds ?? 0) + LAMBDA_SETTLE_SECONDS;

/**
 * A stage's clock counts settled data time, so that a stage of 180 s has judged 180 s of data before it ends. The
 * period in which the weight was set is left out: part of it had the old weight.
 */
export const settledWindow = (
  shiftedAt: number,
  now: number,
  periodSeconds: number,
  settleSeconds: number,
): Settled => {
  const period = periodSeconds * 1_000;
  const from = Math.ceil(shiftedAt / period) * period;
  return { from, to: Math.max(from, settledUntil(now, periodSeconds, settleSeconds)) };
};

/** The end of the last period whose counts no longer change. */
export const settledUntil = (now: number, periodSeconds: number, settleSeconds: number): number => {
  const period = periodSeconds * 1_000;
  return Math.floor((now - settleSeconds * 1_000) / period) * period;
};

export const judgedSeconds = ({ from, to }: Settled): number => (to - from) / 1_000;

/**
 * How many rounds lie wholly in settled data: more than the plan's while a stage is extended, held or paused, so that a
 * failed last round can be followed by a better one.
 */
export const roundsSettled = (window: Settled, stage: Pick<Stage, 'roundSeconds'>): number =>
  Math.floor(judgedSeconds(window) / stage.roundSeconds);

const sum = (periods: readonly PeriodFacts[]): ArmFacts =>
  periods.reduce<ArmFacts>((total, { facts }) => {
    const canary = addArms(total.canary, facts.canary);
    const baseline = addArms(total.baseline, facts.baseline);
    const probes = addProbes(total.probes, facts.probes);
    const baselineProbes = addProbes(total.baselineProbes, facts.baselineProbes);
    return {
      ...(canary && { canary }),
      ...(baseline && { baseline }),
      ...(probes && { probes }),
      ...(baselineProbes && { baselineProbes }),
    };
  }, {});

/** Everything settled since the stage began. */
export const cumulativeFacts = (periods: readonly PeriodFacts[], window: Settled): ArmFacts =>
  sum(periods.filter(({ start }) => start >= window.from && start < window.to));

/** The facts of round `number` (from 1); a period belongs to the round in which it starts. */
export const roundFacts = (
  periods: readonly PeriodFacts[],
  window: Settled,
  roundSeconds: number,
  number: number,
): ArmFacts => {
  const length = roundSeconds * 1_000;
  const begin = window.from + (number - 1) * length;
  return sum(periods.filter(({ start }) => start >= begin && start < begin + length && start < window.to));
};
