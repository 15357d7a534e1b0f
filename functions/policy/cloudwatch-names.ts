import * as z from 'zod';
import { textSchema } from '#platform/text.ts';

export const namespaceSchema = z.string().regex(/^[A-Za-z0-9._/#:-]{1,255}$/);
export const metricNameSchema = textSchema(255);

/** CloudWatch gives data in periods of 1, 5, 10 or 30 seconds and of whole minutes up to a day. */
export const periodSecondsSchema = z
  .int()
  .min(1)
  .max(86_400)
  .refine((period) => [1, 5, 10, 30].includes(period) || (period > 0 && period % 60 === 0), {
    message: 'must be 1, 5, 10, 30 or a multiple of 60',
  });
