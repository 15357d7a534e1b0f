import * as z from 'zod';
import { reasonSchema } from '#ledger/query-schemas.ts';
import { REDACTED_AT_ONCE } from '#ledger/redact-records.ts';
import { defineRoutes } from '#platform/route.ts';

const numbers = z.array(z.int().min(0));

/** Personal data goes, every proof stays. */
export const redactionRoutes = defineRoutes({
  redactRecords: {
    method: 'POST',
    path: '/v1/audit/redactions',
    summary: 'Delete the personal values of records for good; hashes and proofs stay valid',
    roles: ['auditor'],
    body: z.strictObject({ records: numbers.min(1).max(REDACTED_AT_ONCE), reason: reasonSchema }),
    idempotent: true,
    responses: { 200: z.strictObject({ redacted: numbers.readonly(), untouched: numbers.readonly() }) },
    problems: [404, 409],
  },
});
