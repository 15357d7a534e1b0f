import * as z from 'zod';
import { albRuleArnSchema } from '#policy/alb-target-schema.ts';
import { hostPatternsVariable, reachSchema } from '#policy/outbound-schema.ts';
import { releaseEnvironment } from '#releases/environment.ts';

/** What every function needs that may have to bring traffic back. */
export const restoreEnvironment = { ...releaseEnvironment, LATE_RECORDS_QUEUE_URL: z.string() };

/** Where a function may call to when a service's definition names a URL. */
export const outboundEnvironment = { PROBE_HOSTS: hostPatternsVariable, OUTBOUND_REACH: reachSchema };

/** What the stage lets Sluice move, for whoever inspects a target. */
export const targetListsEnvironment = {
  ALB_RULES: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(albRuleArnSchema)),
};
