import * as z from 'zod';
import { environmentNameSchema, PRODUCTION, serviceNameSchema } from '#platform/ids.ts';
import { textSchema } from '#platform/text.ts';
import { experimentFaults, experimentSettingsSchema } from '#policy/experiment-schema.ts';
import { guardAlarmsSchema } from '#policy/guard-alarms-schema.ts';
import { hooksSchema } from '#policy/hook-schema.ts';
import { metricDefinitionSchema } from '#policy/metric-definition.ts';
import { metricMisfits } from '#policy/metric-fit.ts';
import { planChoiceSchema } from '#policy/plan.ts';
import { probeDefinitionSchema } from '#policy/probe-definition.ts';
import { targetIdentity, targetSchema } from '#policy/target.ts';
import { WAVES_MAX, waveDefinitionSchema } from '#policy/wave-definition.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';

/** How one service is released into one environment. */
export const serviceEnvironmentSchema = z.strictObject({
  target: targetSchema,
  plan: planChoiceSchema.default('standard'),
  /** What releases with the strategy `experiment` ask, unless a request asks something else. */
  experiment: experimentSettingsSchema.optional(),
  metrics: metricDefinitionSchema,
  probes: probeDefinitionSchema.optional(),
  guardAlarms: guardAlarmsSchema.optional(),
  /** What a release waits for: before traffic, at a stage, after promotion. */
  hooks: hooksSchema.default([]),
  /** What becomes of a release that is asked for while another one is active: it is refused, or takes its place. */
  onActiveRelease: z.enum(['refuse', 'supersede']).default('refuse'),
  /** Targets that follow `target`, in this order, each when those before have all traffic on the new version. */
  waves: z
    .array(waveDefinitionSchema)
    .max(WAVES_MAX - 1)
    .default([]),
  /** Bounds and limits of the judge where they differ from the defaults. */
  judge: judgePolicySchema.prefault({}),
});
export type ServiceEnvironment = z.infer<typeof serviceEnvironmentSchema>;

interface WaveMisfit {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What makes a list of waves impossible: one name or one target twice, or metrics that don't go with a target. */
const waveMisfits = ({ target, metrics, waves }: ServiceEnvironment): readonly WaveMisfit[] =>
  waves.flatMap((wave, index) => {
    const before = waves.slice(0, index);
    const targets = [target, ...before.map((other) => other.target)].map(targetIdentity);
    const at = wave.metrics === undefined ? ['waves', index, 'target'] : ['waves', index, 'metrics'];
    return [
      ...(before.some(({ name }) => name === wave.name)
        ? [{ path: ['waves', index, 'name'], message: 'must be a name of its own' }]
        : []),
      ...(targets.includes(targetIdentity(wave.target))
        ? [{ path: ['waves', index, 'target'], message: 'must be another target than those before it' }]
        : []),
      ...metricMisfits(wave.target, wave.metrics ?? metrics).map(({ path, message }) => ({
        path: [...at, ...path],
        message,
      })),
    ];
  });

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
    for (const [name, settings] of Object.entries(definition.environments)) {
      for (const { path, message } of metricMisfits(settings.target, settings.metrics))
        context.addIssue({ code: 'custom', path: ['environments', name, 'metrics', ...path], message });
      for (const { path, message } of waveMisfits(settings))
        context.addIssue({ code: 'custom', path: ['environments', name, ...path], message });
      const { experiment } = settings;
      for (const { path, message } of experiment === undefined ? [] : experimentFaults(experiment, settings))
        context.addIssue({ code: 'custom', path: ['environments', name, 'experiment', ...path], message });
    }
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
