import * as z from 'zod';
import { upperLimit } from '#rollout/judge/binomial-limit.ts';
import { errorDispersion, slowDispersion } from '#rollout/judge/dispersion.ts';
import { lnEvidence, rateRatio, shareInterval, toleratedShare } from '#rollout/judge/e-value.ts';
import {
  type ArmFacts,
  type BaselineHistory,
  boundsOf,
  errorsOf,
  type Proportion,
  slowOf,
} from '#rollout/judge/facts.ts';
import { lnEvidenceOfFew } from '#rollout/judge/few-events.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { boundAtOrAbove, boundsNearPercentiles, percentileMs } from '#rollout/judge/latency.ts';

export const testNameSchema = z.enum([
  'errors-relative',
  'slow-relative',
  'errors-absolute',
  'p99-absolute',
  'p95-absolute',
  'errors-few',
]);
export type TestName = z.infer<typeof testNameSchema>;

const lnPair = { lnE1: z.number(), lnE2: z.number() };

/** Events on each arm, the canary's share of requests, and the anytime interval of the rate ratio; null is unbounded. */
export const relativeTestSchema = z.strictObject({
  test: testNameSchema.extract(['errors-relative', 'slow-relative']),
  boundMs: z.number().optional(),
  ...lnPair,
  canary: z.number(),
  baseline: z.number(),
  share: z.number(),
  rateRatio: z.tuple([z.number(), z.number().nullable()]),
});
export type RelativeTest = Readonly<z.infer<typeof relativeTestSchema>>;

/** The exact test of a stage's first few errors, on the same counts as the relative one. */
export const fewTestSchema = z.strictObject({
  test: testNameSchema.extract(['errors-few']),
  lnE1: z.number(),
  canary: z.number(),
  baseline: z.number(),
  share: z.number(),
});
export type FewTest = Readonly<z.infer<typeof fewTestSchema>>;

/** `canary` events of `of` requests against the share `limit`. */
export const absoluteTestSchema = z.strictObject({
  test: testNameSchema.extract(['errors-absolute', 'p99-absolute', 'p95-absolute']),
  boundMs: z.number().optional(),
  ...lnPair,
  canary: z.number(),
  of: z.number(),
  limit: z.number(),
});
export type AbsoluteTest = Readonly<z.infer<typeof absoluteTestSchema>>;

export const sequentialTestSchema = z.union([relativeTestSchema, absoluteTestSchema, fewTestSchema]);
export type SequentialTest = RelativeTest | AbsoluteTest | FewTest;

/**
 * Every test that the cumulative counts of a stage allow; one that lacks data is left out. `fewLevel` is what the test of few
 * errors may still spend.
 */
export function sequentialTests(
  facts: ArmFacts,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
  fewLevel: number,
): SequentialTest[] {
  return [
    ...relativeTests(facts, history, policy),
    ...absoluteTests(facts, history, policy),
    ...fewTests(facts, history, policy, fewLevel),
  ];
}

/** Divided counts are rounded in the canary's favour: the walk of the exact test goes in whole steps. */
function fewTests(
  { canary, baseline }: ArmFacts,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
  level: number,
): FewTest[] {
  const [errors, stable] = [errorsOf(canary), errorsOf(baseline)];
  if (errors === undefined || stable === undefined) return [];
  const phi = errorDispersion(history, policy);
  const share = errors.trials / (errors.trials + stable.trials);
  const tally = { canary: Math.floor(errors.events / phi), other: Math.ceil(stable.events / phi) };
  const lnE1 = lnEvidenceOfFew(tally, toleratedShare(share, policy.evidence.margin), level);
  return [{ test: 'errors-few', lnE1, canary: errors.events, baseline: stable.events, share }];
}

function relativeTests(
  { canary, baseline }: ArmFacts,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): RelativeTest[] {
  const errors = relativeTest(errorsOf(canary), errorsOf(baseline), errorDispersion(history, policy), policy);
  const offered = boundsOf(canary).filter((boundMs) => slowOf(baseline, boundMs) !== undefined);
  const bounds = boundsNearPercentiles(
    percentileMs(history?.counts, 0.95) === undefined ? baseline : history?.counts,
    offered,
  );
  const slow = bounds.flatMap((boundMs) => {
    const result = relativeTest(
      slowOf(canary, boundMs),
      slowOf(baseline, boundMs),
      slowDispersion(boundMs, history, policy),
      policy,
    );
    return result === undefined ? [] : [{ test: 'slow-relative' as const, boundMs, ...result }];
  });
  return [...(errors === undefined ? [] : [{ test: 'errors-relative' as const, ...errors }]), ...slow];
}

/** Given that an event happened, it falls on the canary with probability at most its share of requests, plus the margin. */
function relativeTest(
  canary: Proportion | undefined,
  baseline: Proportion | undefined,
  phi: number,
  policy: JudgePolicy,
): Omit<RelativeTest, 'test' | 'boundMs'> | undefined {
  if (canary === undefined || baseline === undefined) return undefined;
  const { margin, concentration, alpha } = policy.evidence;
  const share = canary.trials / (canary.trials + baseline.trials);
  const r = toleratedShare(share, margin);
  const tally = { canary: canary.events / phi, other: baseline.events / phi };
  const [low, high] = shareInterval(tally, r, concentration, alpha);
  return {
    ...lnEvidence(tally, r, concentration),
    canary: canary.events,
    baseline: baseline.events,
    share,
    rateRatio: [rateRatio(low, share), high === 1 ? null : rateRatio(high, share)],
  };
}

function absoluteTests(
  { canary, baseline }: ArmFacts,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): AbsoluteTest[] {
  const { errorRatePercentMax, p99MsMax, p95IncreasePercentMax } = policy.evidence;
  const reference = (baseline?.requests ?? 0) > 0 ? baseline : history?.counts;
  const p95Ms = percentileMs(reference, 0.95);
  const p99BoundMs = boundAtOrAbove(canary, p99MsMax);
  const p95BoundMs = p95Ms && boundAtOrAbove(canary, p95Ms * (1 + p95IncreasePercentMax / 100));
  const slowTest = (
    test: AbsoluteTest['test'],
    boundMs: number | undefined,
    limitOf: (stable: Proportion | undefined) => number,
  ) => {
    const slow = boundMs && slowOf(canary, boundMs);
    if (!boundMs || !slow) return [];
    const limit = limitOf(slowOf(reference, boundMs));
    return absoluteTest({ test, boundMs }, slow, limit, slowDispersion(boundMs, history, policy), policy);
  };
  const errors = errorsOf(canary);
  const errorLimit = healthyOrRelative(errorsOf(reference), errorRatePercentMax / 100, policy);
  return [
    ...(errors === undefined
      ? []
      : absoluteTest(
          { test: 'errors-absolute' },
          errors,
          errorLimit,
          errorDispersion(history, policy),
          policy,
        )),
    ...slowTest('p99-absolute', p99BoundMs, (stable) => healthyOrRelative(stable, 0.01, policy)),
    ...slowTest('p95-absolute', p95BoundMs, (stable) => atLeastPlausible(stable, 0.05, policy)),
  ];
}

/** The limit, or 1.5 × the baseline's own share where that is past it already. */
function healthyOrRelative(stable: Proportion | undefined, limit: number, policy: JudgePolicy): number {
  const share = stable === undefined ? 0 : stable.events / stable.trials;
  return share > limit ? policy.unhealthyBaselineFactor * share : limit;
}

/** p95 of a baseline with few requests is itself a guess: what the baseline may well exceed, the canary may too. */
function atLeastPlausible(stable: Proportion | undefined, limit: number, policy: JudgePolicy): number {
  if (stable === undefined) return limit;
  return Math.max(limit, upperLimit(stable.events, stable.trials, policy.score.chanceAlpha));
}

/** x of n on the canary against a limit; a limit of everything can't be exceeded, so there is no test. */
function absoluteTest(
  about: Pick<AbsoluteTest, 'test' | 'boundMs'>,
  { events, trials }: Proportion,
  limit: number,
  phi: number,
  policy: JudgePolicy,
): AbsoluteTest[] {
  if (limit >= 1) return [];
  const tally = { canary: events / phi, other: (trials - events) / phi };
  const ln = lnEvidence(tally, limit, policy.evidence.concentration);
  return [{ ...about, ...ln, canary: events, of: trials, limit }];
}
