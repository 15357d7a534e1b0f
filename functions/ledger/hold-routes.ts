import * as z from 'zod';
import { holdFilterSchema, holdIdSchema, legalHoldSchema } from '#ledger/legal-hold.ts';
import { reasonSchema } from '#ledger/query-schemas.ts';
import { defineRoutes, type Role } from '#platform/route.ts';

/** Whoever audits says what must be kept, and when it need no longer be. */
const KEEPERS: readonly Role[] = ['auditor'];

/** Legal holds: what is under one stays where it is, is not redacted, and outlives the archive's lock. */
export const holdRoutes = defineRoutes({
  listHolds: {
    method: 'GET',
    path: '/v1/audit/holds',
    summary: 'Legal holds, oldest first, those that were lifted included',
    roles: ['auditor', 'operator'],
    responses: { 200: z.strictObject({ holds: z.array(legalHoldSchema) }) },
  },
  putHold: {
    method: 'POST',
    path: '/v1/audit/holds',
    summary: 'Put a legal hold on the records that a filter finds, now and later',
    roles: KEEPERS,
    body: z.strictObject({ filter: holdFilterSchema, reason: reasonSchema }),
    idempotent: true,
    responses: { 200: legalHoldSchema },
    problems: [409],
  },
  liftHold: {
    method: 'POST',
    path: '/v1/audit/holds/{holdId}/lift',
    summary: 'Lift a legal hold',
    roles: KEEPERS,
    params: z.strictObject({ holdId: holdIdSchema }),
    body: z.strictObject({ reason: reasonSchema }),
    idempotent: true,
    responses: { 200: legalHoldSchema },
    problems: [404],
  },
});
