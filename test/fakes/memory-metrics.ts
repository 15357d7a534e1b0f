import { TransientError } from '#platform/errors.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';
import type { MetricSource } from '#rollout/metric-source.ts';

export interface MemoryMetrics extends MetricSource<MetricDefinition> {
  /** While true nothing can be read. */
  down: boolean;
  /** What `version` served in the period that starts at `start`, epoch milliseconds. */
  put(version: string, start: number, counts: ArmCounts): void;
}

/** A source that knows what it was told. */
export const memoryMetrics = (): MemoryMetrics => {
  const periods = new Map<number, Map<string, ArmCounts>>();
  const source: MemoryMetrics = {
    down: false,
    put: (version, start, counts) => {
      const versions = periods.get(start) ?? new Map<string, ArmCounts>();
      periods.set(start, versions.set(version, counts));
    },
    read: async (_definition, arms, from, to) => {
      if (source.down) throw new TransientError('the metrics did not answer');
      return [...periods]
        .filter(([start]) => start >= from && start < to)
        .sort(([a], [b]) => a - b)
        .flatMap(([start, versions]) => {
          const [canary, baseline] = [versions.get(arms.canary), versions.get(arms.baseline)];
          if (canary === undefined && baseline === undefined) return [];
          return [{ start, facts: { ...(canary && { canary }), ...(baseline && { baseline }) } }];
        });
    },
  };
  return source;
};
