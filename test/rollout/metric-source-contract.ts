import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';
import type { Arms, MetricSource } from '#rollout/metric-source.ts';
import { NOW_MS } from '../builders/release.ts';

/** A source of its own for each test, and a way to make it know something. */
export interface MetricsFixture<Definition extends MetricDefinition> {
  readonly source: MetricSource<Definition>;
  readonly definition: Definition;
  readonly arms: Arms;
  /** What a version served in the period that starts at `start`; members that are absent are not measured. */
  readonly put: (version: string, start: number, counts: ArmCounts) => void;
  /** From now on the source does not answer, as in a passing trouble. */
  readonly breakDown: () => void;
}

const served = (requests: number, errors: number): ArmCounts => ({ requests, errors });

/** What every metric source does. Missing is missing: what reads as zero here promotes a dead canary. */
export const metricSourceContract = <Definition extends MetricDefinition>(
  name: string,
  make: () => MetricsFixture<Definition>,
): void => {
  describe(`metric source: ${name}`, () => {
    let fixture: MetricsFixture<Definition>;
    let period: number;
    const at = (number: number) => NOW_MS + number * period;
    const read = (from: number, to: number) =>
      fixture.source.read(fixture.definition, fixture.arms, at(from), at(to));

    beforeEach(() => {
      fixture = make();
      period = fixture.definition.periodSeconds * 1_000;
    });

    it('knows nothing of a time without data', async () => {
      expect(await read(0, 10)).toEqual([]);
    });

    it('tells what each arm served, period by period, in order', async () => {
      const { put, arms } = fixture;
      put(arms.canary, at(1), served(10, 1));
      put(arms.baseline, at(1), served(90, 0));
      put(arms.canary, at(0), served(5, 0));
      put(arms.baseline, at(0), served(95, 2));
      expect(await read(0, 10)).toEqual([
        { start: at(0), facts: { canary: served(5, 0), baseline: served(95, 2) } },
        { start: at(1), facts: { canary: served(10, 1), baseline: served(90, 0) } },
      ]);
    });

    it('tells zero as zero', async () => {
      fixture.put(fixture.arms.canary, at(0), served(0, 0));
      expect(await read(0, 1)).toEqual([{ start: at(0), facts: { canary: served(0, 0) } }]);
    });

    it('leaves out a period, an arm and a count that nothing is known of', async () => {
      const { put, arms } = fixture;
      put(arms.baseline, at(0), { requests: 7 });
      put(arms.canary, at(3), served(1, 0));
      expect(await read(0, 10)).toEqual([
        { start: at(0), facts: { baseline: { requests: 7 } } },
        { start: at(3), facts: { canary: served(1, 0) } },
      ]);
    });

    it('includes the period that starts at the beginning and not the one that starts at the end', async () => {
      for (const number of [0, 1, 2, 3]) fixture.put(fixture.arms.canary, at(number), served(number, 0));
      expect((await read(1, 3)).map(({ start }) => start)).toEqual([at(1), at(2)]);
      expect(await read(2, 2)).toEqual([]);
      expect(await read(3, 1)).toEqual([]);
    });

    it('tells latency and how many requests were slower than each bound', async () => {
      const counts: ArmCounts = {
        requests: 100,
        errors: 0,
        // What a source finds that interpolates percentiles from these same buckets.
        latencyMs: { p50: 50, p95: 193.75, p99: 750 },
        slowerThan: { 50: 50, 100: 20, 200: 4, 250: 3, 500: 2, 1000: 0, 2000: 0, 5000: 0 },
      };
      fixture.put(fixture.arms.canary, at(0), counts);
      expect(await read(0, 1)).toEqual([{ start: at(0), facts: { canary: counts } }]);
    });

    it('keeps versions apart: another one behind the same target is not this one', async () => {
      fixture.put('77', at(0), served(1_000, 1_000));
      expect(await read(0, 1)).toEqual([]);
    });

    it('tells passing trouble as such, and never as silence', async () => {
      fixture.breakDown();
      await expect(read(0, 1)).rejects.toBeInstanceOf(TransientError);
    });
  });
};
