import * as z from 'zod';

/** A function by its exact name: what it answers decides whether a version is promoted. */
export const metricFunctionSchema = z
  .string()
  .regex(/^[A-Za-z0-9-_]{1,64}$/, 'must be a function name, not an ARN and not a pattern');

/** The names as an environment variable carries them: a JSON list. */
export const metricFunctionsVariable = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(metricFunctionSchema));

/** Counts from a function of the team's own, for whatever keeps them. */
export const lambdaMetricsSchema = z.strictObject({
  source: z.literal('lambda'),
  functionName: metricFunctionSchema,
  periodSeconds: z.int().min(1).max(3_600).default(60),
  /** How long after its end a period's counts no longer change. */
  settleSeconds: z.int().min(0).max(3_600).default(60),
});
export type LambdaMetrics = z.infer<typeof lambdaMetricsSchema>;
