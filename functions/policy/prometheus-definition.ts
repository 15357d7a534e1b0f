import * as z from 'zod';
import { outboundUrlSchema } from '#policy/outbound-schema.ts';
import { goalNameSchema } from '#rollout/judge/facts.ts';

/** What is no URL at all is told as that, by the check before. */
const isBare = (text: string): boolean => {
  if (!URL.canParse(text)) return true;
  const { search, hash } = new URL(text);
  return search === '' && hash === '';
};

/** Both arms are asked the same question: without the version in it they would get the same answer. */
const query = z
  .string()
  .min(1)
  .max(2_000)
  .refine((text) => text.includes('$version') && text.includes('$range'), {
    message: 'must use $version and $range',
  });

/** Each is two more queries an arm at every look. */
const GOALS_MAX = 5;

/**
 * Counts from a server that speaks Prometheus's query API. Each query is PromQL for how many there were in the `$range`
 * that ends at the time of evaluation; `$version` is the version it is about.
 */
export const prometheusMetricsSchema = z.strictObject({
  source: z.literal('prometheus'),
  /** Where `/api/v1/query_range` is. */
  url: outboundUrlSchema.refine(isBare, { message: 'must have neither query nor fragment' }),
  queries: z.strictObject({
    requests: query,
    errors: query,
    /** Buckets of a cumulative histogram, one series for each `le`. */
    bucket: query.optional(),
    /** What experiments ask about, by name: how many reached the goal, and of how many. */
    goals: z
      .record(goalNameSchema, z.strictObject({ good: query, total: query }))
      .refine((goals) => Object.keys(goals).length <= GOALS_MAX, { message: `at most ${GOALS_MAX} goals` })
      .optional(),
  }),
  /** The unit of `le`; Prometheus's own conventions say seconds. */
  bucketUnit: z.enum(['seconds', 'milliseconds']).default('seconds'),
  /** At least twice the scrape interval: an increase needs two samples. */
  periodSeconds: z.int().min(1).max(3_600).default(60),
  /** How long after its end a period's counts no longer change: scrape interval, evaluation and remote write. */
  settleSeconds: z.int().min(0).max(3_600).default(60),
});
export type PrometheusMetrics = z.infer<typeof prometheusMetricsSchema>;
