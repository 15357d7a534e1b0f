import { type Arm, type Component, type Measure, measureArm, type Scale } from '#rollout/judge/components.ts';
import type { BaselineHistory } from '#rollout/judge/facts.ts';
import { millisecondsText, numberText, percentText } from '#rollout/judge/figures.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { percentileMs } from '#rollout/judge/latency.ts';
import type { Reason } from '#rollout/judge/reasons.ts';

const SCORE_AT_PROMOTION_LIMIT = 85;
const COMPONENTS: readonly Component[] = ['availability', 'error-rate', 'latency-p95'];

/** 0–100 for one arm; `scoreUpper` is the same with every component at its limit in the arm's favour. */
export type HealthScore =
  | {
      readonly coverage: 'inconclusive';
      readonly measures: readonly [];
      readonly missing: readonly Component[];
    }
  | {
      readonly coverage: 'complete' | 'partial';
      readonly score: number;
      readonly scoreUpper: number;
      readonly measures: readonly Measure[];
      readonly missing: readonly Component[];
    };

/**
 * Weighted mean of the component scores. A component without data drops out and leaves its weight to the others. Both arms
 * are scored on the scale that the reference (the baseline) sets.
 */
export function scoreHealth(
  arm: Arm,
  reference: Arm,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): HealthScore {
  const measures = measureArm(arm, reference, history, policy).filter(({ weight }) => weight > 0);
  const missing = COMPONENTS.filter((name) => !measures.some(({ component }) => component === name));
  if (measures.length === 0) return { coverage: 'inconclusive', measures: [], missing };
  return {
    coverage: missing.length === 0 ? 'complete' : 'partial',
    score: weightedMean(measures, ({ value }) => value),
    scoreUpper: weightedMean(measures, ({ favourable }) => favourable),
    measures,
    missing,
  };
}

/** 100 at `healthy` or better, 85 at `promotion`, 0 at `rollback` or worse, linear in between. */
export function componentScore(value: number, scale: Scale): number {
  if (value <= scale.healthy) return 100;
  if (value >= scale.rollback) return 0;
  if (value <= scale.promotion) {
    const part = (value - scale.healthy) / (scale.promotion - scale.healthy);
    return 100 - part * (100 - SCORE_AT_PROMOTION_LIMIT);
  }
  return SCORE_AT_PROMOTION_LIMIT * (1 - (value - scale.promotion) / (scale.rollback - scale.promotion));
}

function weightedMean(measures: readonly Measure[], pick: (measure: Measure) => number): number {
  const weights = measures.reduce((sum, { weight }) => sum + weight, 0);
  const points = measures.reduce((sum, m) => sum + m.weight * componentScore(pick(m), m.scale), 0);
  return points / weights;
}

/** One reason for each component that costs points, one for each that has no data, one where the baseline set the limit. */
export function explainScore(health: HealthScore, arm: Arm, reference: Arm): Reason[] {
  const weights = health.measures.reduce((sum, { weight }) => sum + weight, 0);
  const lost = health.measures.flatMap((measure) => {
    const points = ((100 - componentScore(measure.value, measure.scale)) * measure.weight) / weights;
    return points < 0.05 ? [] : [pointsLost(measure, points, arm, reference)];
  });
  const unhealthy = health.measures.flatMap((measure) => unhealthyBaseline(measure));
  return [...lost, ...unhealthy, ...dataMissing(health)];
}

function pointsLost(measure: Measure, points: number, arm: Arm, reference: Arm): Reason {
  return {
    code: 'points-lost',
    text: `${numberText(Number(points.toFixed(1)))} points lost: ${describe(measure, arm, reference)}`,
    facts: {
      component: measure.component,
      points,
      value: measure.value,
      favourable: measure.favourable,
      limit: measure.scale.promotion,
    },
  };
}

/** The value of a component against its promotion limit, in words: "error rate 4 % (4 of 100), limit 1 %". */
export function describe(measure: Measure, arm: Arm, reference: Arm): string {
  const { events, scale, value } = measure;
  const counted = events && `(${numberText(events.events)} of ${numberText(events.trials)})`;
  switch (measure.component) {
    case 'availability':
      return `${percentText(value)} of probes failed ${counted}, limit ${percentText(scale.promotion)}`;
    case 'error-rate':
      return `error rate ${percentText(value)} ${counted}, limit ${percentText(scale.promotion)}`;
    case 'latency-p95': {
      const [p95Ms, referenceMs] = [percentileMs(arm.counts, 0.95), percentileMs(reference.counts, 0.95)];
      const against = `${millisecondsText(p95Ms ?? 0)} against ${millisecondsText(referenceMs ?? 0)}`;
      return `p95 ${value < 0 ? '' : '+'}${percentText(value)} on the baseline (${against}), limit +${percentText(scale.promotion)}`;
    }
  }
}

function unhealthyBaseline({ component, scale }: Measure): Reason[] {
  if (scale.unhealthyBaseline === undefined) return [];
  const [baseline, limit] = [scale.unhealthyBaseline, scale.promotion];
  return [
    {
      code: 'baseline-unhealthy',
      text: `the baseline's own ${component} is past the limit (${percentText(baseline)}), so the limit is ${percentText(limit)}`,
      facts: { component, baseline, limit },
    },
  ];
}

function dataMissing({ missing }: HealthScore): Reason[] {
  if (missing.length === 0) return [];
  return [
    { code: 'data-missing', text: `no data for ${missing.join(', ')}`, facts: { components: [...missing] } },
  ];
}
