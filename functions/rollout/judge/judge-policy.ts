import * as z from 'zod';

const percent = z.number().min(0).max(100);
const weight = z.number().min(0).max(1);
const alpha = z.number().gt(0).lt(0.5);

/** 100 at `healthy`, 85 at `promotion`, 0 at `rollback`; the order is checked because a scale that folds back scores nonsense. */
const availabilitySchema = z
  .strictObject({
    weight: weight.default(0.4),
    healthyPercentMin: percent.default(99.9),
    promotionPercentMin: percent.default(95),
    rollbackPercentMin: percent.default(85),
  })
  .refine(
    (c) => c.healthyPercentMin >= c.promotionPercentMin && c.promotionPercentMin > c.rollbackPercentMin,
    {
      error: 'availability bounds must fall: healthy ≥ promotion > rollback',
    },
  );

const errorRateSchema = z
  .strictObject({
    weight: weight.default(0.35),
    healthyPercentMax: percent.default(0.1),
    promotionPercentMax: percent.default(1),
    rollbackPercentMax: percent.default(5),
  })
  .refine(
    (c) => c.healthyPercentMax <= c.promotionPercentMax && c.promotionPercentMax < c.rollbackPercentMax,
    {
      error: 'error-rate bounds must rise: healthy ≤ promotion < rollback',
    },
  );

const latencyP95Schema = z
  .strictObject({
    weight: weight.default(0.25),
    healthyIncreasePercentMax: z.number().min(0).default(0),
    promotionIncreasePercentMax: z.number().min(0).default(20),
    rollbackIncreasePercentMax: z.number().min(0).default(100),
  })
  .refine(
    (c) =>
      c.healthyIncreasePercentMax <= c.promotionIncreasePercentMax &&
      c.promotionIncreasePercentMax < c.rollbackIncreasePercentMax,
    { error: 'latency bounds must rise: healthy ≤ promotion < rollback' },
  );

const scoreSchema = z
  .strictObject({
    availability: availabilitySchema.prefault({}),
    errorRate: errorRateSchema.prefault({}),
    latencyP95: latencyP95Schema.prefault({}),
    /** One-sided error of the limits that decide what is beyond chance. */
    chanceAlpha: alpha.default(0.01),
    /** A stage whose average scoreUpper is below this, and below the baseline's score, is rolled back. */
    averageMin: z.number().min(0).max(100).default(85),
  })
  .refine((s) => s.availability.weight + s.errorRate.weight + s.latencyP95.weight > 0, {
    error: 'at least one score component needs a weight',
  });

const testWeightsSchema = z
  .strictObject({
    errorsRelative: weight.default(0.5),
    slowRelative: weight.default(0.06),
    errorsAbsolute: weight.default(0.02),
    p99Absolute: weight.default(0.01),
    p95Absolute: weight.default(0.01),
    errorsFew: weight.default(0.4),
  })
  .refine((w) => Object.values(w).some((value) => value > 0), { error: 'at least one test needs a weight' });

const evidenceSchema = z.strictObject({
  /** Chance that a release which is fine is ever rolled back by evidence. */
  alpha: alpha.default(0.01),
  /** Relative increase over the baseline that is tolerated: 0.1 is 10 %. */
  margin: z.number().min(0).max(10).default(0.1),
  /** k of the Beta(kr, k(1−r)) prior. */
  concentration: z.number().gt(0).max(1000).default(10),
  /** Least φ that event counts are divided by; a larger one known from history goes before. */
  dispersionMin: z.number().min(1).default(1),
  weights: testWeightsSchema.prefault({}),
  errorRatePercentMax: percent.gt(0).lt(100).default(5),
  p99MsMax: z.number().gt(0).default(2000),
  p95IncreasePercentMax: z.number().min(0).default(20),
});

/** The live policy of the judge: every bound, weight and limit of the verdict. `judgePolicySchema.parse({})` is the default. */
export const judgePolicySchema = z.strictObject({
  score: scoreSchema.prefault({}),
  evidence: evidenceSchema.prefault({}),
  failedRoundsMax: z.int().min(1).default(2),
  /** Looks running in which every probe failed. */
  failedProbeLooksMax: z.int().min(1).default(3),
  /** More of a stage's probes failing, beyond chance, rolls back. */
  failedProbesPercentMax: percent.gt(0).lt(100).default(10),
  minimumCanaryRequests: z.int().min(1).default(100),
  /** Enough probes for the final verification, and where `measures` leaves only probes. */
  minimumProbeAttempts: z.int().min(1).default(3),
  /** `probes-only` is the switch `canaryMetrics` turned off: counts are not looked at. */
  measures: z.enum(['metrics-and-probes', 'probes-only']).default('metrics-and-probes'),
  promoteOn: z.enum(['health', 'evidence']).default('health'),
  /** With `promoteOn: evidence`, the bound that the upper end of the rate ratio must stay below. */
  promotionRateRatioMax: z.number().gt(1).default(1.5),
  /** What a stage deadline does when there is still not enough data. */
  onInsufficientData: z.enum(['hold', 'restore']).default('hold'),
  /** A limit that the baseline itself is past becomes this times the baseline's value. */
  unhealthyBaselineFactor: z.number().min(1).default(1.5),
  baselineDriftPercentMax: z.number().gt(0).default(20),
});
export type JudgePolicy = Readonly<z.infer<typeof judgePolicySchema>>;
