import * as z from 'zod';
import { albRuleArnSchema } from '#policy/alb-target-schema.ts';
import { appConfigFlagSchema } from '#policy/appconfig-target-schema.ts';
import { ecsServiceSchema } from '#policy/ecs-target-schema.ts';
import { hostPatternsVariable, metricHostsVariable, reachSchema } from '#policy/outbound-schema.ts';
import { regionSchema, regionsVariable } from '#policy/region-schema.ts';
import { executionEnvironment, releaseEnvironment, requestEnvironment } from '#releases/environment.ts';
import type { TargetLists } from '#rollout/permitted-targets.ts';

/** What every function needs that may have to bring traffic back. */
export const restoreEnvironment = { ...releaseEnvironment, LATE_RECORDS_QUEUE_URL: z.string() };

/** Where copies of what stable is are kept. */
export const rescueEnvironment = { RESCUE_PREFIX: z.string().startsWith('/'), AWS_REGION: regionSchema };

/** What every function needs that takes commands: they may bring traffic back, or ask for a release again. */
export const commandEnvironment = {
  ...restoreEnvironment,
  ...executionEnvironment,
  ...rescueEnvironment,
  ...requestEnvironment,
};

/** What every function needs that reads metrics. */
export const metricEnvironment = { METRIC_HOSTS: metricHostsVariable, OUTBOUND_REACH: reachSchema };

/** What every function needs that asks hooks over HTTP. */
export const hookEnvironment = { HOOK_HOSTS: metricHostsVariable, OUTBOUND_REACH: reachSchema };

export const probeEnvironment = { PROBE_HOSTS: hostPatternsVariable, OUTBOUND_REACH: reachSchema };

const jsonList = <S extends z.ZodType>(schema: S) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(schema));

/** What the stage lets Sluice move, for whoever inspects a target. */
export const targetListsEnvironment = {
  ALB_RULES: jsonList(albRuleArnSchema),
  ECS_SERVICES: jsonList(ecsServiceSchema),
  APPCONFIG_FLAGS: jsonList(appConfigFlagSchema),
  TARGET_REGIONS: regionsVariable,
  AWS_REGION: regionSchema,
};

/** As inspecting takes them. */
export const targetListsOf = (
  environment: z.output<z.ZodObject<typeof targetListsEnvironment>>,
): TargetLists => ({
  albRules: environment.ALB_RULES,
  ecsServices: environment.ECS_SERVICES,
  appConfigFlags: environment.APPCONFIG_FLAGS,
  regions: [environment.AWS_REGION, ...environment.TARGET_REGIONS],
});
