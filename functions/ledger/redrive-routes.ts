import * as z from 'zod';
import { defineRoutes } from '#platform/route.ts';
import { textSchema } from '#platform/text.ts';

/** What one call reads, checks and sends well within the function's time, at a record's greatest length too. */
export const REDRIVE_RECORDS_MAX = 1_000;

const spanSchema = z
  .strictObject({
    /** Numbers of the first and of the last record. */
    first: z.int().min(0),
    last: z.int().min(0),
    reason: textSchema(500),
  })
  .refine(({ first, last }) => last >= first, { path: ['last'], message: 'must not be below first' })
  .refine(({ first, last }) => last - first < REDRIVE_RECORDS_MAX, {
    path: ['last'],
    message: `must be within ${REDRIVE_RECORDS_MAX} records from first: send more in several steps`,
  });

export const redriveRoutes = defineRoutes({
  redriveEvents: {
    method: 'POST',
    path: '/v1/audit/redrives',
    summary: 'Put the events of these records on the bus again, for consumers that lost them; safe to repeat',
    roles: ['operator'],
    idempotent: true,
    body: spanSchema,
    responses: {
      200: z.strictObject({
        first: z.int(),
        last: z.int(),
        /** How many events were put on the bus. */
        events: z.int(),
      }),
    },
    problems: [409],
  },
});
