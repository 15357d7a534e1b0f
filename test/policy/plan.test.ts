import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  planChoiceSchema,
  planOf,
  planSchema,
  planWithoutStages,
  type Stage,
  stageDeadlineSeconds,
} from '#policy/plan.ts';
import { experimentPlan } from '../builders/experiment.ts';

const stage = (weightPercent: number): Stage => ({ weightPercent, rounds: 2, roundSeconds: 30 });
const weightsOf = (plan: { readonly stages: readonly Stage[] }) =>
  plan.stages.map((one) => one.weightPercent);
const custom = (...weights: readonly number[]) => ({ stages: weights.map(stage) });
const isValid = (choice: unknown): boolean => planChoiceSchema.safeParse(choice).success;

/** Any plan a team could write: rising weights that end at 100. */
const plans = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 19 })
  .map((weights) => planChoiceSchema.parse(custom(...weights.sort((a, b) => a - b), 100)));

describe('the plans by name', () => {
  it('are those that the product promises (CAN-2)', () => {
    const told = (name: 'standard' | 'rapid') =>
      planOf(name).stages.map((one) => [one.weightPercent, one.rounds, one.roundSeconds]);
    expect(told('standard')).toEqual([
      [5, 3, 60],
      [25, 3, 60],
      [50, 5, 90],
      [100, 1, 60],
    ]);
    expect(told('rapid')).toEqual([
      [10, 8, 60],
      [50, 12, 60],
      [100, 15, 60],
    ]);
  });

  it('carry their name, and a hold that ends', () => {
    expect(planOf('rapid')).toMatchObject({ name: 'rapid', holdSeconds: 3_600 });
  });
});

describe("a plan of a team's own", () => {
  it.each<[string, unknown]>([
    ['whose weights fall', custom(50, 25, 100)],
    ['whose weights stand still', custom(50, 50, 100)],
    ['that never reaches all traffic', custom(5, 50)],
    ['of one stage, without anything to compare', custom(100)],
    ['without stages', custom()],
    ['with more stages than anyone looks at', custom(...Array.from({ length: 20 }, (_, n) => n + 1), 100)],
    ['with a weight of nothing', custom(0, 100)],
    ['with half percents', custom(2.5, 100)],
    ['with a stage without rounds', { stages: [{ ...stage(5), rounds: 0 }, stage(100)] }],
    ['with an unknown key', { ...custom(5, 100), weights: [] }],
    ['that holds for ever', { ...custom(5, 100), holdSeconds: 10_000_000 }],
    ['with a name that is none', 'fast'],
  ])('is refused %s', (_what, choice) => {
    expect(isValid(choice)).toBe(false);
  });

  it('is taken as it is', () => {
    const plan = planOf(planChoiceSchema.parse({ ...custom(20, 100), stageDeadlineSeconds: 90 }));
    expect(plan).toMatchObject({ name: 'custom', stageDeadlineSeconds: 90, holdSeconds: 3_600 });
    expect(weightsOf(plan)).toEqual([20, 100]);
  });
});

describe("a release's own first weight", () => {
  it.each([
    [1, [1, 25, 50, 100]],
    [5, [5, 25, 50, 100]],
    [10, [10, 25, 50, 100]],
    [25, [25, 50, 100]],
    [60, [60, 100]],
    [99, [99, 100]],
  ])('of %s %% makes the standard plan %s', (first, weights) => {
    const plan = planOf('standard', first);
    expect(weightsOf(plan)).toEqual(weights);
    expect(plan.stages[0]).toMatchObject({ rounds: 3, roundSeconds: 60 });
  });

  it('leaves weights that only rise, begin with it and end with all traffic, for any plan', () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 99 }), (choice, first) => {
        const weights = weightsOf(planOf(choice, first));
        expect(weights[0]).toBe(first);
        expect(weights.at(-1)).toBe(100);
        expect(weights.length).toBeGreaterThanOrEqual(2);
        expect(weights).toEqual([...new Set(weights)].sort((a, b) => a - b));
        expect(planSchema.safeParse(planOf(choice, first)).error).toBeUndefined();
      }),
    );
  });
});

describe("a stage's deadline", () => {
  it('is thrice its rounds and ten minutes after its data has settled, where the plan names none', () => {
    expect(stageDeadlineSeconds(planOf('standard'), stage(5), 150)).toBe(3 * 2 * 30 + 600 + 150);
  });

  it('is what the plan names', () => {
    const plan = planOf(planChoiceSchema.parse({ ...custom(20, 100), stageDeadlineSeconds: 90 }));
    expect(stageDeadlineSeconds(plan, stage(20), 150)).toBe(90);
  });

  it('leaves time for all rounds in any plan that names none', () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 0, max: 4_000 }), (choice, settleSeconds) => {
        const plan = planOf(choice);
        for (const one of plan.stages) {
          const needed = one.rounds * one.roundSeconds + settleSeconds;
          expect(stageDeadlineSeconds(plan, one, settleSeconds)).toBeGreaterThan(needed);
        }
      }),
    );
  });
});

describe('the plan of an experiment', () => {
  it.each([
    ['of two weeks has a round an hour', 1_209_600, 60, 336, 3_600],
    ['of an hour has a hundred, in whole periods', 3_600, 60, 60, 60],
    ['of a day has a hundred, in whole periods', 86_400, 300, 96, 900],
    ['whose metrics come every two hours has rounds of that', 86_400, 7_200, 12, 7_200],
    ['that is no whole number of rounds has one more', 5_000, 60, 84, 60],
  ])('%s', (_, seconds, periodSeconds, rounds, roundSeconds) => {
    const { experiment } = experimentPlan({ horizon: { seconds } }, periodSeconds);
    expect(experiment).toMatchObject({ rounds, roundSeconds });
  });

  it('leaves nothing of it to a rollback of what it promoted', () => {
    expect(planWithoutStages(experimentPlan(), 'rollback')).not.toHaveProperty('experiment');
  });
});
