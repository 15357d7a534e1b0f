/** One series to be read. */
export interface Wanted {
  /** What the value is: a count by name, or a percentile. */
  readonly what: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly stat: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** As a series is named that counts a goal of an experiment. */
export const goalSeries = (name: string, part: 'good' | 'total'): string => `goal:${part}:${name}`;

/** What CloudWatch knows of the versions behind one kind of target, and how that is read. */
export interface Preset {
  /** Every series that is read for one version: requests, p50, p95, p99, slower:<ms>, and what errors are made of. */
  readonly seriesOf: (version: string) => readonly Wanted[];
  /** Failed requests of one period; undefined while it isn't known how many. */
  readonly errorsOf: (get: (what: string) => number | undefined) => number | undefined;
  /** Goals of experiments that are counted, each by the series goalSeries(name, 'good') and (name, 'total'). */
  readonly goals?: readonly string[];
  /** Milliseconds in the unit that latency percentiles come in. */
  readonly latencyUnitMs: number;
}
