import type * as z from 'zod';
import { type ExperimentSettings, experimentSettingsSchema } from '#policy/experiment-schema.ts';
import { type Plan, planOfExperiment } from '#policy/plan.ts';

type Settings = z.input<typeof experimentSettingsSchema>;

/** Whether more visitors order, on half of them, for two weeks. */
export const experimentInput = (overrides: Partial<Settings> = {}): Settings => ({
  goal: 'orders',
  horizon: { seconds: 1_209_600 },
  split: { by: 'cookie', weightPercent: 50 },
  ...overrides,
});

export const anExperiment = (overrides: Partial<Settings> = {}): ExperimentSettings =>
  experimentSettingsSchema.parse(experimentInput(overrides));

/** The plan of a release that asks it, with metrics of this period. */
export const experimentPlan = (overrides: Partial<Settings> = {}, periodSeconds = 60): Plan =>
  planOfExperiment('standard', anExperiment(overrides), periodSeconds);
