import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Target } from '#policy/target.ts';
import type { Snapshot } from '#releases/release.ts';
import type { ArmFacts } from '#rollout/judge/facts.ts';

/** The facts of one period of the source, by its start (epoch milliseconds). A period nothing is known of is absent. */
export interface PeriodFacts {
  readonly start: number;
  readonly facts: ArmFacts;
}

export interface Arms {
  readonly target: Target;
  readonly canary: string;
  readonly baseline: string;
  /** As the snapshot has them. */
  readonly places?: Snapshot['places'] | undefined;
}

/** Where facts come from. Reads only; throws TransientError for passing trouble. */
export interface MetricSource<Definition extends MetricDefinition> {
  /** All periods that start in [from, to), epoch milliseconds, in order. */
  read(definition: Definition, arms: Arms, from: number, to: number): Promise<readonly PeriodFacts[]>;
}
