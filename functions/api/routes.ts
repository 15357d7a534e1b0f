import * as z from 'zod';
import { captureRoutes } from '#capture/routes.ts';
import { holdRoutes } from '#ledger/hold-routes.ts';
import { proofRoutes } from '#ledger/proof-routes.ts';
import { redactionRoutes } from '#ledger/redaction-routes.ts';
import { redriveRoutes } from '#ledger/redrive-routes.ts';
import { auditRoutes } from '#ledger/routes.ts';
import { defineRoutes, type RouteTable } from '#platform/route.ts';
import { flagRoutes, serviceRoutes } from '#policy/routes.ts';
import { releaseRoutes } from '#releases/routes.ts';
import { doctorRoutes } from '#rollout/doctor/routes.ts';
import { commandRoutes } from '#rollout/routes.ts';

/** How one slice is: `ok`, `degraded` (works, but look at it) or `down`; the detail says why. */
export const sliceHealthSchema = z.strictObject({
  slice: z.enum(['releases', 'rollout', 'ledger', 'policy']),
  status: z.enum(['ok', 'degraded', 'down']),
  detail: z.string(),
});
export type SliceHealth = z.infer<typeof sliceHealthSchema>;

export const apiRoutes = defineRoutes({
  getHealth: {
    method: 'GET',
    path: '/v1/health',
    summary: 'How Sluice is, slice by slice',
    roles: 'public',
    responses: {
      200: z.strictObject({ status: sliceHealthSchema.shape.status, slices: z.array(sliceHealthSchema) }),
    },
  },
  getOpenApi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document',
    roles: 'public',
    responses: { 200: z.record(z.string(), z.unknown()) },
  },
});

/** Every route of the API. */
export const ALL_ROUTES: readonly RouteTable[] = [
  apiRoutes,
  serviceRoutes,
  flagRoutes,
  releaseRoutes,
  commandRoutes,
  doctorRoutes,
  auditRoutes,
  proofRoutes,
  holdRoutes,
  redactionRoutes,
  redriveRoutes,
  captureRoutes,
];
