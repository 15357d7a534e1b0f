import * as z from 'zod';
import { switchesEnvironment } from '#policy/environment.ts';
import { REQUESTED_STRATEGIES } from '#policy/strategy-schema.ts';

/** What every function needs that keeps the state of releases and tells the ledger. */
export const releaseEnvironment = {
  RELEASES_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
};

/** Besides, for functions that take requests in. */
export const requestEnvironment = {
  ...switchesEnvironment,
  SERVICES_TABLE: z.string(),
  PRODUCTION_STRATEGIES: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(z.enum(REQUESTED_STRATEGIES))),
};

/** Besides, for functions that start workflows. */
export const executionEnvironment = {
  RELEASE_WORKFLOW_ARN: z.string(),
  RECOVERY_WORKFLOW_ARN: z.string(),
};
