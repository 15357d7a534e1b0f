import * as z from 'zod';
import { environmentNameSchema, serviceNameSchema } from '#platform/ids.ts';
import { textSchema } from '#platform/text.ts';
import { metricDefinitionSchema } from '#policy/metric-definition.ts';
import { metricMisfits } from '#policy/metric-fit.ts';
import { planChoiceSchema } from '#policy/plan.ts';
import { probeDefinitionSchema } from '#policy/probe-definition.ts';
import { targetSchema } from '#policy/target.ts';
import { JudgePolicy } from '#rollout/judge/judge-policy.ts';

/** How one service is released into one environment. */
export const serviceEnvironmentSchema = z.strictObject({
  target: targetSchema,
  plan: planChoiceSchema.default('standard'),
  metrics: metricDefinitionSchema,
  probes: probeDefinitionSchema.optional(),
  /** Bounds and limits of the judge where they differ from the defaults. */
  judge: JudgePolicy.prefault({}),
});
export type ServiceEnvironment = z.infer<typeof serviceEnvironmentSchema>;

const PRODUCTION = 'production';

/** A service as its team describes it: `PUT /v1/services/{service}`. */
export const serviceDefinitionSchema = z
  .strictObject({
    description: textSchema(500).optional(),
    owner: textSchema(200).optional(),
    environments: z
      .record(environmentNameSchema, serviceEnvironmentSchema)
      .refine((all) => Object.keys(all).length > 0, {
        message: 'must name at least one environment',
      }),
  })
  .superRefine((definition, context) => {
    for (const [name, { target, metrics }] of Object.entries(definition.environments))
      for (const { path, message } of metricMisfits(target, metrics))
        context.addIssue({ code: 'custom', path: ['environments', name, 'metrics', ...path], message });
    const production = definition.environments[PRODUCTION];
    const metrics = production?.target.kind === 'lambda-alias' ? production.metrics : undefined;
    if (
      metrics?.source === 'cloudwatch' &&
      metrics.invokedBy === 'http' &&
      metrics.serverErrors === undefined
    )
      context.addIssue({
        code: 'custom',
        path: ['environments', PRODUCTION, 'metrics', 'serverErrors'],
        message:
          'a function behind HTTP needs a per-version count of its 5xx answers in production: Lambda does not count them as errors',
      });
  });
export type ServiceDefinition = z.infer<typeof serviceDefinitionSchema>;

/** A registered service. `revision` rises by one with each change; `digest` is what the ledger knows it by. */
export const registeredServiceSchema = z.strictObject({
  service: serviceNameSchema,
  revision: z.int().min(1),
  digest: z.string(),
  updatedAt: z.iso.datetime(),
  updatedBy: z.string(),
  definition: serviceDefinitionSchema,
});
export type RegisteredService = z.infer<typeof registeredServiceSchema>;
