import { loadBalancerOf } from '#policy/alb-target-schema.ts';
import type { Preset, Wanted } from '#rollout/adapters/cloudwatch-preset.ts';
import { LATENCY_GRID_MS } from '#rollout/judge/facts.ts';

/** What the targets answered by class; each is reported only for periods in which it is not zero. */
const ANSWERS = ['2XX', '3XX', '4XX', '5XX'] as const;

/**
 * Target groups of an Application Load Balancer (its User Guide, "CloudWatch metrics"). It counts a target's 5xx answers,
 * and apart from them connections that a target didn't take: a canary that is down shows in those alone.
 */
export const albPreset = (ruleArn: string, groupArnOf: (version: string) => string | undefined): Preset => ({
  seriesOf: (version) => {
    const TargetGroup = groupArnOf(version)?.split(':').at(-1);
    if (TargetGroup === undefined) return [];
    const dimensions = { TargetGroup, LoadBalancer: loadBalancerOf(ruleArn) };
    const series = (what: string, metricName: string, stat = 'Sum'): Wanted => ({
      what,
      namespace: 'AWS/ApplicationELB',
      metricName,
      stat,
      dimensions,
    });
    return [
      series('requests', 'RequestCount'),
      ...ANSWERS.map((kind) => series(kind, `HTTPCode_Target_${kind}_Count`)),
      series('refused', 'TargetConnectionErrorCount'),
      ...['p50', 'p95', 'p99'].map((stat) => series(stat, 'TargetResponseTime', stat)),
      ...LATENCY_GRID_MS.map((bound) =>
        series(`slower:${bound}`, 'TargetResponseTime', `TC(${bound / 1_000}:)`),
      ),
    ];
  },
  /** A count without a value is zero only when others came: requests of which nothing is told are not healthy ones. */
  errorsOf: (get) => {
    const known = [...ANSWERS, 'refused'].some((what) => get(what) !== undefined);
    const failed = (get('5XX') ?? 0) + (get('refused') ?? 0);
    // A refused connection may be tried again on another target, so that one request counts twice.
    return known ? Math.min(failed, get('requests') ?? failed) : undefined;
  },
  /** TargetResponseTime is in seconds. */
  latencyUnitMs: 1_000,
});
