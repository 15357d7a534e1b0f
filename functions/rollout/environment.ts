import * as z from 'zod';
import { albRuleArnSchema } from '#policy/alb-target-schema.ts';
import { hostPatternsVariable, metricHostsVariable, reachSchema } from '#policy/outbound-schema.ts';
import { executionEnvironment, releaseEnvironment } from '#releases/environment.ts';

/** What every function needs that may have to bring traffic back. */
export const restoreEnvironment = { ...releaseEnvironment, LATE_RECORDS_QUEUE_URL: z.string() };

/** Where copies of what stable is are kept. */
export const rescueEnvironment = { RESCUE_PREFIX: z.string().startsWith('/') };

/** What every function needs that takes commands: they may bring traffic back, or ask for a release again. */
export const commandEnvironment = {
  ...restoreEnvironment,
  ...executionEnvironment,
  ...rescueEnvironment,
  SERVICES_TABLE: z.string(),
};

/** What every function needs that reads metrics. */
export const metricEnvironment = { METRIC_HOSTS: metricHostsVariable, OUTBOUND_REACH: reachSchema };

export const probeEnvironment = { PROBE_HOSTS: hostPatternsVariable, OUTBOUND_REACH: reachSchema };

/** What the stage lets Sluice move, for whoever inspects a target. */
export const targetListsEnvironment = {
  ALB_RULES: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(albRuleArnSchema)),
};
