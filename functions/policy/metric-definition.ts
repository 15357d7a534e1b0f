import * as z from 'zod';
import { cloudWatchCustomSchema } from '#policy/cloudwatch-custom-schema.ts';
import {
  metricNameSchema as metricName,
  namespaceSchema as namespace,
  periodSecondsSchema,
} from '#policy/cloudwatch-names.ts';
import { lambdaMetricsSchema } from '#policy/lambda-metrics-schema.ts';
import { prometheusMetricsSchema } from '#policy/prometheus-definition.ts';

/**
 * Where the facts come from that AWS itself counts. `AWS/Lambda` gives requests, errors and latency of each version behind an
 * alias; the two things it doesn't know are counted by the service and named here.
 */
export const cloudWatchMetricsSchema = z.strictObject({
  source: z.literal('cloudwatch'),
  /** Whether callers see HTTP: then an answer of 500 is an error, though not to Lambda. */
  invokedBy: z.enum(['http', 'event']),
  periodSeconds: periodSecondsSchema.default(60),
  /**
   * How long until a period's counts no longer change. Lambda stamps a metric with the invocation's start, so the
   * default is the function's time-out and two minutes, found when the release takes its snapshot.
   */
  settleSeconds: z.int().min(0).max(3_600).optional(),
  /** A count per version of answers of 500 and above; dimensions FunctionName and ExecutedVersion. */
  serverErrors: z.strictObject({ namespace, metricName }).optional(),
  /**
   * Requests slower than each bound of the latency grid: from CloudWatch's trimmed counts of Duration, or from count
   * metrics `<prefix><bound>` (milliseconds) with dimensions FunctionName and ExecutedVersion.
   */
  slowerThan: z
    .discriminatedUnion('from', [
      z.strictObject({ from: z.literal('trimmed-count') }),
      z.strictObject({ from: z.literal('count-metrics'), namespace, prefix: metricName }),
    ])
    .default({ from: 'trimmed-count' }),
});
export type CloudWatchMetrics = z.infer<typeof cloudWatchMetricsSchema>;

export const metricDefinitionSchema = z.discriminatedUnion('source', [
  cloudWatchMetricsSchema,
  cloudWatchCustomSchema,
  prometheusMetricsSchema,
  lambdaMetricsSchema,
]);
export type MetricDefinition = z.infer<typeof metricDefinitionSchema>;
