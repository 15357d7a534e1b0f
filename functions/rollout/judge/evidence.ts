import * as z from 'zod';
import type { ArmFacts, BaselineHistory } from '#rollout/judge/facts.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { SequentialTest, sequentialTests, TestName } from '#rollout/judge/sequential-tests.ts';
import { lnWeightedSum } from '#rollout/judge/special-functions.ts';

/** The one-sided log evidence of each test, summed over stages. */
export const LnByTest = z.partialRecord(TestName, z.number());
export type LnByTest = Readonly<z.infer<typeof LnByTest>>;

/** `lnE` is combined over tests and stages; `tests` and `stage` are this stage alone. `threshold` is ln(1/α). */
export const Evidence = z.strictObject({
  lnE: z.number(),
  threshold: z.number(),
  tests: z.array(SequentialTest),
  stage: LnByTest,
});
export type Evidence = Readonly<z.infer<typeof Evidence>>;

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
  const tests = policy.measures === 'probes-only' ? [] : sequentialTests(facts, history, policy);
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
function byTest(tests: readonly SequentialTest[]): LnByTest {
  const names = TestName.options.filter((name) => tests.some(({ test }) => test === name));
  return Object.fromEntries(
    names.map((name) => {
      const rows = tests.filter(({ test }) => test === name);
      return [name, lnWeightedSum(rows.map(({ lnE1 }) => ({ weight: 1 / rows.length, ln: lnE1 })))];
    }),
  );
}
