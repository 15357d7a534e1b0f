import * as z from 'zod';
import { metricDefinitionSchema } from '#policy/metric-definition.ts';
import { probeDefinitionSchema } from '#policy/probe-definition.ts';
import { targetSchema } from '#policy/target.ts';

/** The first wave's name: that of the environment's own `target`. */
export const FIRST_WAVE = 'first';

/** A restore moves all of them at once, and each is looked at as long as the release lasts. */
export const WAVES_MAX = 10;

export const waveNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,19}$/,
    'must be 1 to 20 lower-case letters, digits and hyphens, starting with a letter',
  );

export const bakeSecondsSchema = z.int().min(0).max(604_800);

/** A target that follows the environment's own, such as the same service in another region. */
export const waveDefinitionSchema = z.strictObject({
  name: waveNameSchema.refine((name) => name !== FIRST_WAVE, {
    message: `is the name of the environment's own target`,
  }),
  target: targetSchema,
  /** Where its facts come from; the environment's own where it is left out. */
  metrics: metricDefinitionSchema.optional(),
  probes: probeDefinitionSchema.optional(),
  /** How long the waves before it are watched, at 100 %, before this one begins. */
  bakeSeconds: bakeSecondsSchema.default(900),
});
export type WaveDefinition = z.infer<typeof waveDefinitionSchema>;
