import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { ProbeDefinition } from '#policy/probe-definition.ts';
import type { ServiceEnvironment } from '#policy/service-definition.ts';
import type { Target } from '#policy/target.ts';
import { FIRST_WAVE } from '#policy/wave-definition.ts';

/** One target of an environment, with all that may differ between its targets. */
export interface EnvironmentWave {
  readonly name: string;
  readonly target: Target;
  readonly metrics: MetricDefinition;
  readonly probes?: ProbeDefinition | undefined;
  readonly bakeSeconds: number;
  /** Where in the environment's definition the target stands. */
  readonly path: string;
}

/** Every target of an environment, in the order in which a release reaches them; the first is the environment's own. */
export const environmentWaves = ({
  target,
  metrics,
  probes,
  waves,
}: ServiceEnvironment): readonly EnvironmentWave[] => [
  { name: FIRST_WAVE, target, metrics, probes, bakeSeconds: 0, path: 'target' },
  ...waves.map((wave, index) => ({
    ...wave,
    metrics: wave.metrics ?? metrics,
    path: `waves.${index}.target`,
  })),
];
