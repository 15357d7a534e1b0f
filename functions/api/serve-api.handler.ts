import * as z from 'zod';
import { probeAll, sliceProbes } from '#api/adapters/slice-probes.ts';
import { openApiDocument } from '#api/openapi.ts';
import { ALL_ROUTES, apiRoutes, type SliceHealth } from '#api/routes.ts';
import { dynamoDb, stepFunctions } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({
  RELEASES_TABLE: z.string(),
  SERVICES_TABLE: z.string(),
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  ROLLOUT_WORKFLOW_ARNS: z.string().transform((list) => list.split(',')),
  SIGN_IN_URL: z.string(),
  SIGN_IN_CLIENT_ID: z.string(),
});

const probes = sliceProbes(dynamoDb(), stepFunctions(), {
  releasesTable: environment.RELEASES_TABLE,
  servicesTable: environment.SERVICES_TABLE,
  ledgerTable: environment.LEDGER_TABLE,
  ledgerHeadsTable: environment.LEDGER_HEADS_TABLE,
  rolloutWorkflowArns: environment.ROLLOUT_WORKFLOW_ARNS,
});

/** The route is public: however often it is asked, the tables are read at most once in this time. */
const HEALTH_MILLISECONDS = 5_000;
let known: { readonly at: number; readonly slices: Promise<readonly SliceHealth[]> } | undefined;

const document = openApiDocument(ALL_ROUTES, {
  url: environment.SIGN_IN_URL,
  clientId: environment.SIGN_IN_CLIENT_ID,
});

export const handler = serveRoutes(apiRoutes)({
  getHealth: async () => {
    const now = Date.now();
    if (known === undefined || now - known.at > HEALTH_MILLISECONDS)
      known = { at: now, slices: probeAll(probes) };
    const slices = [...(await known.slices)];
    const worst = (['down', 'degraded'] as const).find((status) =>
      slices.some((slice) => slice.status === status),
    );
    return { status: 200, body: { status: worst ?? 'ok', slices } };
  },
  getOpenApi: async () => ({ status: 200, body: document }),
});
