import * as z from 'zod';
import { controlSchema } from '#ledger/controls.ts';
import { eventTypeSchema } from '#ledger/event-types.ts';
import { actorLoginSchema, instantSchema } from '#ledger/query-schemas.ts';
import { hashSchema, ledgerRecordSchema } from '#ledger/record.ts';
import { releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes } from '#platform/route.ts';

export const auditRoutes = defineRoutes({
  listRecords: {
    method: 'GET',
    path: '/v1/audit/records',
    summary: 'Records of the ledger, oldest first, as they are stored; those that are all that is asked for',
    // Records name people and what they did; a release's own are on its timeline, for everyone.
    roles: ['auditor', 'operator'],
    query: z.strictObject({
      release: releaseIdSchema.optional(),
      service: serviceNameSchema.optional(),
      /** The actor's login, exactly. */
      actor: actorLoginSchema.optional(),
      control: controlSchema.optional(),
      type: eventTypeSchema.optional(),
      /** When it happened: from this instant on, and before that one. */
      from: instantSchema.optional(),
      to: instantSchema.optional(),
      ...pageQuery({ most: 256, usual: 100 }),
    }),
    responses: {
      200: z.strictObject({
        records: z.array(ledgerRecordSchema),
        next: z.string().optional(),
        /** How long the whole ledger was, and its last record's hash, before the page was read: what an auditor keeps. */
        head: z.strictObject({ size: z.int().min(0), hash: hashSchema }),
        /**
         * The records below this number were looked through; newer ones will be in a moment. By release the newest of
         * them may be missing for some moments, too.
         */
        searchedSize: z.int().min(0),
      }),
    },
  },
});
