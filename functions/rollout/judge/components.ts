import { exceedsBeyondChance, isRateAbove, lowerLimit, upperLimit } from '#rollout/judge/binomial-limit.ts';
import { errorDispersion, slowDispersion } from '#rollout/judge/dispersion.ts';
import {
  type ArmCounts,
  type BaselineHistory,
  boundsOf,
  errorsOf,
  type ProbeCounts,
  type Proportion,
  slowOf,
} from '#rollout/judge/facts.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { boundAtOrAbove, percentileMs } from '#rollout/judge/latency.ts';

export type Component = 'availability' | 'error-rate' | 'latency-p95';

/** Both sides of one arm: what it served and how its probes went. */
export interface Arm {
  readonly counts?: ArmCounts | undefined;
  readonly probes?: ProbeCounts | undefined;
}

/**
 * One component measured on one arm. All values are fractions for which less is better: failing probes, failing requests,
 * p95's increase over the reference. `favourable` is the value at its limit in the arm's favour,
 * and no worse than the promotion limit unless that is missed beyond chance.
 */
export interface Measure {
  readonly component: Component;
  readonly weight: number;
  readonly value: number;
  readonly favourable: number;
  readonly scale: Scale;
  /** The promotion limit is missed beyond chance. */
  readonly missed: boolean;
  readonly events?: Proportion;
}

export interface Scale {
  readonly healthy: number;
  readonly promotion: number;
  readonly rollback: number;
  /** Set when the baseline itself is past the promotion limit: its value, from which the limit was made. */
  readonly unhealthyBaseline?: number;
}

/** Measures every component that has data; `reference` is the baseline (at 100 %, its history). */
export function measureArm(
  arm: Arm,
  reference: Arm,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): Measure[] {
  return [
    measureAvailability(arm, reference, policy),
    measureErrorRate(arm, reference, history, policy),
    measureLatency(arm, reference, history, policy),
  ].filter((measure) => measure !== undefined);
}

function measureAvailability(arm: Arm, reference: Arm, policy: JudgePolicy): Measure | undefined {
  const [failing, stable] = [failingProbes(arm.probes), failingProbes(reference.probes)];
  if (failing === undefined) return undefined;
  const { weight, healthyPercentMin, promotionPercentMin, rollbackPercentMin } = policy.score.availability;
  const scale = scaleFor(
    [100 - healthyPercentMin, 100 - promotionPercentMin, 100 - rollbackPercentMin],
    stable,
    policy,
  );
  return {
    component: 'availability',
    weight,
    scale,
    ...judgeProportion(failing, stable, 1 - promotionPercentMin / 100, scale, 1, policy),
  };
}

function measureErrorRate(
  arm: Arm,
  reference: Arm,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): Measure | undefined {
  const [errors, stable] = [errorsOf(arm.counts), errorsOf(reference.counts)];
  if (errors === undefined) return undefined;
  const { weight, healthyPercentMax, promotionPercentMax, rollbackPercentMax } = policy.score.errorRate;
  const scale = scaleFor([healthyPercentMax, promotionPercentMax, rollbackPercentMax], stable, policy);
  const phi = errorDispersion(history, policy);
  return {
    component: 'error-rate',
    weight,
    scale,
    ...judgeProportion(errors, stable, promotionPercentMax / 100, scale, phi, policy),
  };
}

/**
 * p95's increase over the reference. Its limit in the arm's favour is the highest grid bound that more than 5 % of requests
 * exceed beyond chance: p95 is certainly above that. Without counts nothing is known beyond chance.
 */
function measureLatency(
  arm: Arm,
  reference: Arm,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): Measure | undefined {
  const p95Ms = percentileMs(arm.counts, 0.95);
  const referenceMs = percentileMs(reference.counts, 0.95);
  if (p95Ms === undefined || referenceMs === undefined || referenceMs <= 0) return undefined;
  const { weight, healthyIncreasePercentMax, promotionIncreasePercentMax, rollbackIncreasePercentMax } =
    policy.score.latencyP95;
  const scale: Scale = {
    healthy: healthyIncreasePercentMax / 100,
    promotion: promotionIncreasePercentMax / 100,
    rollback: rollbackIncreasePercentMax / 100,
  };
  const value = p95Ms / referenceMs - 1;
  const surelyAboveMs =
    boundsOf(arm.counts).findLast((bound) => isP95Above(arm, bound, history, policy)) ?? 0;
  const lower = Math.min(value, surelyAboveMs / referenceMs - 1);
  const limitBoundMs = boundAtOrAbove(arm.counts, referenceMs * (1 + scale.promotion));
  const missed =
    limitBoundMs !== undefined &&
    surelyAboveMs >= limitBoundMs &&
    isSlowerThanReference(arm, reference, limitBoundMs, history, policy);
  const favourable = missed ? lower : Math.min(lower, scale.promotion);
  return { component: 'latency-p95', weight, scale, value, favourable, missed };
}

/** p95 of a reference with few requests is a guess: the arm must also have more slow requests than it, beyond chance. */
function isSlowerThanReference(
  arm: Arm,
  reference: Arm,
  boundMs: number,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): boolean {
  const [slow, stable] = [slowOf(arm.counts, boundMs), slowOf(reference.counts, boundMs)];
  if (slow === undefined || stable === undefined) return true;
  return isRateAbove(slow, stable, 1, slowDispersion(boundMs, history, policy), policy.score.chanceAlpha);
}

function isP95Above(
  arm: Arm,
  boundMs: number,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): boolean {
  const slow = slowOf(arm.counts, boundMs);
  if (slow === undefined) return false;
  const phi = slowDispersion(boundMs, history, policy);
  return exceedsBeyondChance(slow.events / phi, slow.trials / phi, 0.05, policy.score.chanceAlpha);
}

/**
 * Missed beyond chance: even at its limit in the arm's favour the share is past the promotion limit. Where the baseline may be
 * past that limit too, it must also exceed the factor times the baseline's share, with chance counted in both arms: a baseline
 * that was lucky for a minute is no measure.
 */
function judgeProportion(
  { events, trials }: Proportion,
  reference: Proportion | undefined,
  promotionLimit: number,
  scale: Scale,
  phi: number,
  policy: JudgePolicy,
): Pick<Measure, 'value' | 'favourable' | 'missed' | 'events'> {
  const { chanceAlpha } = policy.score;
  const lower = lowerLimit(events / phi, trials / phi, chanceAlpha);
  const surelyHealthy =
    reference === undefined ||
    upperLimit(reference.events / phi, reference.trials / phi, chanceAlpha) <= promotionLimit;
  const missed =
    lower > promotionLimit &&
    (surelyHealthy ||
      isRateAbove({ events, trials }, reference, policy.unhealthyBaselineFactor, phi, chanceAlpha));
  const favourable = missed ? lower : Math.min(lower, scale.promotion);
  return { value: events / trials, favourable, missed, events: { events, trials } };
}

/** A limit that the baseline is past becomes 1.5 times the baseline's value; the bounds beyond it keep their order. */
function scaleFor(
  percents: readonly [healthy: number, promotion: number, rollback: number],
  reference: Proportion | undefined,
  policy: JudgePolicy,
): Scale {
  const [healthy, promotion, rollback] = percents.map((percent) => percent / 100) as [number, number, number];
  const baseline = reference === undefined ? 0 : reference.events / reference.trials;
  if (baseline <= promotion) return { healthy, promotion, rollback };
  const factor = policy.unhealthyBaselineFactor;
  const adjusted = factor * baseline;
  return {
    healthy,
    promotion: adjusted,
    rollback: Math.max(rollback, adjusted * Math.max(factor, 1.01)),
    unhealthyBaseline: baseline,
  };
}

function failingProbes(probes: ProbeCounts | undefined): Proportion | undefined {
  if (probes === undefined || probes.attempts === 0) return undefined;
  return { events: Math.max(0, probes.attempts - probes.successes), trials: probes.attempts };
}
