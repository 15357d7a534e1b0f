import { type CloudWatchCustom, PLACE, VERSION } from '#policy/cloudwatch-custom-schema.ts';
import { goalSeries, type Preset, type Wanted } from '#rollout/adapters/cloudwatch-preset.ts';
import { LATENCY_GRID_MS } from '#rollout/judge/facts.ts';
import type { Arms } from '#rollout/metric-source.ts';

/** CloudWatch takes trimmed counts in the metric's own unit. */
const SECONDS_PER_UNIT = { milliseconds: 1_000, seconds: 1 } as const;

/** Metrics that a service publishes itself, each version's told apart by a dimension. */
export const customPreset = (
  { namespace, dimensions, requests, errors, latency, slowerThanPrefix, goals }: CloudWatchCustom,
  places: Arms['places'],
): Preset => ({
  seriesOf: (version) => {
    const own = Object.fromEntries(
      Object.entries(dimensions).map(([name, value]) => [
        name,
        value.replaceAll(VERSION, version).replaceAll(PLACE, places?.[version] ?? ''),
      ]),
    );
    const series = (what: string, metricName: string, stat = 'Sum'): Wanted => ({
      what,
      namespace,
      metricName,
      stat,
      dimensions: own,
    });
    const slow = LATENCY_GRID_MS.flatMap((bound): Wanted[] => {
      if (slowerThanPrefix !== undefined) return [series(`slower:${bound}`, `${slowerThanPrefix}${bound}`)];
      if (latency === undefined) return [];
      const inUnit = (bound * SECONDS_PER_UNIT[latency.unit]) / 1_000;
      return [series(`slower:${bound}`, latency.metricName, `TC(${inUnit}:)`)];
    });
    return [
      series('requests', requests),
      series('errors', errors),
      ...(latency ? ['p50', 'p95', 'p99'].map((stat) => series(stat, latency.metricName, stat)) : []),
      ...slow,
      ...Object.entries(goals).flatMap(([name, { good, total }]) => [
        series(goalSeries(name, 'good'), good),
        series(goalSeries(name, 'total'), total),
      ]),
    ];
  },
  errorsOf: (get) => get('errors'),
  goals: Object.keys(goals),
  latencyUnitMs: latency?.unit === 'seconds' ? 1_000 : 1,
});
