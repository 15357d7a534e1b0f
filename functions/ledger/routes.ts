import * as z from 'zod';
import { hashSchema, ledgerRecordSchema } from '#ledger/record.ts';
import { releaseIdSchema } from '#platform/ids.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes } from '#platform/route.ts';

export const auditRoutes = defineRoutes({
  listRecords: {
    method: 'GET',
    path: '/v1/audit/records',
    summary: 'Records of the ledger, oldest first, as they are stored',
    // Records name people and what they did; a release's own are on its timeline, for everyone.
    roles: ['auditor', 'operator'],
    query: z.strictObject({
      release: releaseIdSchema.optional(),
      ...pageQuery({ most: 256, usual: 100 }),
    }),
    responses: {
      200: z.strictObject({
        records: z.array(ledgerRecordSchema),
        next: z.string().optional(),
        /** How long the whole ledger was, and its last record's hash, before the page was read: what an auditor keeps. */
        head: z.strictObject({ size: z.int().min(0), hash: hashSchema }),
      }),
    },
  },
});
