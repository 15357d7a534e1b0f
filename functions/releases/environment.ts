import * as z from 'zod';

/** What every function needs that keeps the state of releases and tells the ledger. */
export const releaseEnvironment = {
  RELEASES_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
};

/** Besides, for functions that start workflows. */
export const executionEnvironment = {
  RELEASE_WORKFLOW_ARN: z.string(),
  RECOVERY_WORKFLOW_ARN: z.string(),
};
