import * as z from 'zod';
import type { ArmFacts, BaselineHistory } from '#rollout/judge/facts.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import {
  type SequentialTest,
  sequentialTestSchema,
  sequentialTests,
  type TestName,
  testNameSchema,
} from '#rollout/judge/sequential-tests.ts';
import { lnWeightedSum } from '#rollout/judge/special-functions.ts';

/** The one-sided log evidence of each test, summed over stages. */
export const lnByTestSchema = z.partialRecord(testNameSchema, z.number());
export type LnByTest = Readonly<z.infer<typeof lnByTestSchema>>;

/**
 * `lnE` is combined over tests and stages; `tests` and `stage` are this stage alone, `testsBefore` and `previous` the stage
 * before it, told only where more of its data has settled since. `threshold` is ln(1/α).
 */
export const evidenceSchema = z.strictObject({
  lnE: z.number(),
  threshold: z.number(),
  tests: z.array(sequentialTestSchema),
  testsBefore: z.array(sequentialTestSchema).optional(),
  stage: lnByTestSchema,
  previous: lnByTestSchema.optional(),
});
export type Evidence = Readonly<z.infer<typeof evidenceSchema>>;

/** What the looks before have found: in all stages before the previous one, in that one, and in this one. */
export interface Found {
  readonly carriedEvidence: LnByTest;
  readonly previousEvidence: LnByTest;
  readonly stageEvidence: LnByTest;
}

/**
 * All tests on the cumulative counts of a stage, combined with what earlier stages found. A test whose data is missing at
 * this look keeps its last value: what was found doesn't go away with the metrics. `before` is what is known by now of the
 * stage before: data that settles late counts for the evidence of the stage that it belongs to.
 */
export function weighEvidence(
  facts: ArmFacts,
  before: ArmFacts | undefined,
  history: BaselineHistory | undefined,
  found: Found,
  policy: JudgePolicy,
): Evidence {
  const ask = (counts: ArmFacts, carried: LnByTest) =>
    policy.measures === 'probes-only'
      ? []
      : sequentialTests(counts, history, policy, fewLevel(carried, policy));
  const testsBefore = before && ask(before, found.carriedEvidence);
  const previous = { ...found.previousEvidence, ...byTest(testsBefore ?? []) };
  const carried = addStages(found.carriedEvidence, previous);
  const tests = ask(facts, carried);
  const stage = { ...found.stageEvidence, ...byTest(tests) };
  return {
    lnE: combine(stage, carried, policy),
    threshold: -Math.log(policy.evidence.alpha),
    tests,
    ...(testsBefore && { testsBefore }),
    stage,
    ...(Object.keys(previous).length > 0 && { previous }),
  };
}

/** Logs of the stages so far: products of e-values, because each stage starts afresh. */
export function addStages(carried: LnByTest, stage: LnByTest): LnByTest {
  const names = testNameSchema.options.filter(
    (name) => carried[name] !== undefined || stage[name] !== undefined,
  );
  return Object.fromEntries(names.map((name) => [name, (carried[name] ?? 0) + (stage[name] ?? 0)]));
}

/** ln of the weighted mean of the tests' E. A test without data is an E of 1: it neither accuses nor acquits. */
function combine(stage: LnByTest, carried: LnByTest, policy: JudgePolicy): number {
  const sums = addStages(carried, stage);
  const weights = weightsOf(policy);
  const total = testNameSchema.options.reduce((sum, name) => sum + weights[name], 0);
  return lnWeightedSum(
    testNameSchema.options.map((name) => ({ weight: weights[name] / total, ln: sums[name] ?? 0 })),
  );
}

/**
 * What the test of few errors has to spend: as much as makes the combined E reach 1/α by itself when its boundary is crossed,
 * after what earlier stages left of it.
 */
function fewLevel(carried: LnByTest, policy: JudgePolicy): number {
  const weights = weightsOf(policy);
  const total = testNameSchema.options.reduce((sum, name) => sum + weights[name], 0);
  const part = weights['errors-few'] / total;
  return Math.min(0.5, policy.evidence.alpha * part * Math.exp(carried['errors-few'] ?? 0));
}

export function weightsOf({ evidence: { weights } }: JudgePolicy): Readonly<Record<TestName, number>> {
  return {
    'errors-relative': weights.errorsRelative,
    'slow-relative': weights.slowRelative,
    'errors-absolute': weights.errorsAbsolute,
    'p99-absolute': weights.p99Absolute,
    'p95-absolute': weights.p95Absolute,
    'errors-few': weights.errorsFew,
  };
}

/** One value per test: a test at several bounds is the mean of its e-values. */
function byTest(tests: readonly SequentialTest[]): LnByTest {
  const names = testNameSchema.options.filter((name) => tests.some(({ test }) => test === name));
  return Object.fromEntries(
    names.map((name) => {
      const rows = tests.filter(({ test }) => test === name);
      return [name, lnWeightedSum(rows.map(({ lnE1 }) => ({ weight: 1 / rows.length, ln: lnE1 })))];
    }),
  );
}
