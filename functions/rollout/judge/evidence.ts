import * as z from 'zod';
import { lnEvidence, rateRatio, shareInterval, toleratedShare } from '#rollout/judge/e-value.ts';
import {
  type ArmCounts,
  type ArmFacts,
  type BaselineHistory,
  boundsOf,
  errorsOf,
  type Proportion,
  slowOf,
} from '#rollout/judge/facts.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { boundAtOrAbove, boundsNearPercentiles, percentileMs } from '#rollout/judge/latency.ts';
import { lnWeightedSum } from '#rollout/judge/special-functions.ts';

export const TestName = z.enum([
  'errors-relative',
  'slow-relative',
  'errors-absolute',
  'p99-absolute',
  'p95-absolute',
]);
export type TestName = z.infer<typeof TestName>;

const lnPair = { lnE1: z.number(), lnE2: z.number() };

/** Events on each arm, the canary's share of requests, and the anytime interval of the rate ratio; null is unbounded. */
export const RelativeTest = z.strictObject({
  test: TestName.extract(['errors-relative', 'slow-relative']),
  boundMs: z.number().optional(),
  ...lnPair,
  canary: z.number(),
  baseline: z.number(),
  share: z.number(),
  rateRatio: z.tuple([z.number(), z.number().nullable()]),
});
export type RelativeTest = Readonly<z.infer<typeof RelativeTest>>;

/** `canary` events of `of` requests against the share `limit`. */
export const AbsoluteTest = z.strictObject({
  test: TestName.extract(['errors-absolute', 'p99-absolute', 'p95-absolute']),
  boundMs: z.number().optional(),
  ...lnPair,
  canary: z.number(),
  of: z.number(),
  limit: z.number(),
});
export type AbsoluteTest = Readonly<z.infer<typeof AbsoluteTest>>;

/** The one-sided log evidence of each test, summed over stages. */
export const LnByTest = z.partialRecord(TestName, z.number());
export type LnByTest = Readonly<z.infer<typeof LnByTest>>;

/** `lnE` is combined over tests and stages; `tests` and `stage` are this stage alone. `threshold` is ln(1/α). */
export const Evidence = z.strictObject({
  lnE: z.number(),
  threshold: z.number(),
  tests: z.array(z.union([RelativeTest, AbsoluteTest])),
  stage: LnByTest,
});
export type Evidence = Readonly<z.infer<typeof Evidence>>;
type Test = RelativeTest | AbsoluteTest;

/**
 * All tests on the cumulative counts of a stage, combined with what earlier stages found. A test whose data is missing at
 * this look keeps its last value: what was found doesn't go away with the metrics.
 */
export function weighEvidence(
  facts: ArmFacts,
  history: BaselineHistory | undefined,
  before: { readonly carriedEvidence: LnByTest; readonly stageEvidence: LnByTest },
  policy: JudgePolicy,
): Evidence {
  const tests =
    policy.measures === 'probes-only'
      ? []
      : [...relativeTests(facts, history, policy), ...absoluteTests(facts, history, policy)];
  const stage = { ...before.stageEvidence, ...byTest(tests) };
  return {
    lnE: combine(stage, before.carriedEvidence, policy),
    threshold: -Math.log(policy.evidence.alpha),
    tests,
    stage,
  };
}

/** Logs of the stages so far: products of e-values, because each stage starts afresh. */
export function addStages(carried: LnByTest, stage: LnByTest): LnByTest {
  const names = TestName.options.filter((name) => carried[name] !== undefined || stage[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, (carried[name] ?? 0) + (stage[name] ?? 0)]));
}

/** ln of the weighted mean of the tests' E. A test without data is an E of 1: it neither accuses nor acquits. */
function combine(stage: LnByTest, carried: LnByTest, policy: JudgePolicy): number {
  const sums = addStages(carried, stage);
  const weights = weightsOf(policy);
  const total = TestName.options.reduce((sum, name) => sum + weights[name], 0);
  return lnWeightedSum(
    TestName.options.map((name) => ({ weight: weights[name] / total, ln: sums[name] ?? 0 })),
  );
}

export function weightsOf({ evidence: { weights } }: JudgePolicy): Readonly<Record<TestName, number>> {
  return {
    'errors-relative': weights.errorsRelative,
    'slow-relative': weights.slowRelative,
    'errors-absolute': weights.errorsAbsolute,
    'p99-absolute': weights.p99Absolute,
    'p95-absolute': weights.p95Absolute,
  };
}

/** One value per test: a test at several bounds is the mean of its e-values. */
function byTest(tests: readonly Test[]): LnByTest {
  const names = TestName.options.filter((name) => tests.some(({ test }) => test === name));
  return Object.fromEntries(
    names.map((name) => {
      const rows = tests.filter(({ test }) => test === name);
      return [name, lnWeightedSum(rows.map(({ lnE1 }) => ({ weight: 1 / rows.length, ln: lnE1 })))];
    }),
  );
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
  const p99BoundMs = boundAtOrAbove(canary, p99MsMax);
  const referenceP95Ms = percentileMs(reference, 0.95);
  const p95BoundMs =
    referenceP95Ms === undefined
      ? undefined
      : boundAtOrAbove(canary, referenceP95Ms * (1 + p95IncreasePercentMax / 100));
  return [
    ...absoluteTest(
      'errors-absolute',
      undefined,
      errorRatePercentMax / 100,
      canary,
      reference,
      history,
      policy,
    ),
    ...(p99BoundMs === undefined
      ? []
      : absoluteTest('p99-absolute', p99BoundMs, 0.01, canary, reference, history, policy)),
    ...(p95BoundMs === undefined
      ? []
      : absoluteTest('p95-absolute', p95BoundMs, 0.05, canary, reference, history, policy)),
  ];
}

/** x of n on the canary against a limit, which is 1.5 × the baseline's own share where that is past it already. */
function absoluteTest(
  test: AbsoluteTest['test'],
  boundMs: number | undefined,
  limitMax: number,
  canary: ArmCounts | undefined,
  reference: ArmCounts | undefined,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): AbsoluteTest[] {
  const eventsOf = (arm: ArmCounts | undefined) =>
    boundMs === undefined ? errorsOf(arm) : slowOf(arm, boundMs);
  const [counted, stable] = [eventsOf(canary), eventsOf(reference)];
  if (counted === undefined) return [];
  const stableShare = stable === undefined ? 0 : stable.events / stable.trials;
  const limit = stableShare > limitMax ? policy.unhealthyBaselineFactor * stableShare : limitMax;
  if (limit >= 1) return [];
  const phi =
    boundMs === undefined ? errorDispersion(history, policy) : slowDispersion(boundMs, history, policy);
  const { events, trials } = counted;
  const tally = { canary: events / phi, other: (trials - events) / phi };
  return [
    {
      test,
      ...(boundMs !== undefined && { boundMs }),
      ...lnEvidence(tally, limit, policy.evidence.concentration),
      canary: events,
      of: trials,
      limit,
    },
  ];
}

export function errorDispersion(history: BaselineHistory | undefined, policy: JudgePolicy): number {
  return Math.max(policy.evidence.dispersionMin, history?.dispersion?.errors ?? 1);
}

export function slowDispersion(
  boundMs: number,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): number {
  return Math.max(policy.evidence.dispersionMin, history?.dispersion?.slowerThan?.[String(boundMs)] ?? 1);
}
