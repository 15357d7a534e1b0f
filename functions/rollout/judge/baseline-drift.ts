import { exceedsBeyondChance, isRateAbove } from '#rollout/judge/binomial-limit.ts';
import { errorDispersion, slowDispersion } from '#rollout/judge/dispersion.ts';
import {
  type ArmCounts,
  type ArmFacts,
  type BaselineHistory,
  boundsOf,
  errorsOf,
  type Proportion,
  slowOf,
} from '#rollout/judge/facts.ts';
import { percentText } from '#rollout/judge/figures.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import { boundAtOrAbove, percentileMs } from '#rollout/judge/latency.ts';
import type { Reason } from '#rollout/judge/reasons.ts';

/** Where the stable version itself moved from its history, beyond chance: what both arms meet is no fault of the canary. */
export function baselineDrift(
  { baseline }: ArmFacts,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): Reason[] {
  if (policy.measures === 'probes-only') return [];
  return [...errorDrift(baseline, history, policy), ...latencyDrift(baseline, history, policy)];
}

function errorDrift(
  baseline: ArmCounts | undefined,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): Reason[] {
  const [now, before] = [errorsOf(baseline), errorsOf(history?.counts)];
  if (now === undefined || before === undefined) return [];
  const moved = policy.baselineDriftPercentMax / 100;
  const phi = errorDispersion(history, policy);
  const alpha = policy.score.chanceAlpha;
  const rose = isRateAbove(now, before, 1 + moved, phi, alpha);
  const fell = isRateAbove(before, now, 1 / Math.max(1 - moved, 0.01), phi, alpha);
  if (!rose && !fell) return [];
  const [rate, historicRate] = [now.events / now.trials, before.events / before.trials];
  return [
    {
      code: 'baseline-drift',
      text: `the stable version itself moved: error rate ${percentText(rate)}, ${percentText(historicRate)} before the rollout`,
      facts: { component: 'error-rate', now: rate, before: historicRate, rose },
    },
  ];
}

/** p95 is above a bound when more than 5 % are slower, and below it when fewer are. */
function latencyDrift(
  baseline: ArmCounts | undefined,
  history: BaselineHistory | undefined,
  policy: JudgePolicy,
): Reason[] {
  const beforeMs = percentileMs(history?.counts, 0.95);
  if (beforeMs === undefined) return [];
  const moved = policy.baselineDriftPercentMax / 100;
  const aboveMs = boundAtOrAbove(baseline, beforeMs * (1 + moved));
  const belowMs = boundsOf(baseline).findLast((boundMs) => boundMs <= beforeMs * (1 - moved));
  const rose = aboveMs !== undefined && isBeyond(slowOf(baseline, aboveMs), 0.05, aboveMs);
  const fell = belowMs !== undefined && isBeyond(fastOf(slowOf(baseline, belowMs)), 0.95, belowMs);
  if (!rose && !fell) return [];
  const boundMs = rose ? aboveMs : (belowMs ?? 0);
  return [
    {
      code: 'baseline-drift',
      text: `the stable version itself moved: p95 is ${rose ? 'above' : 'below'} ${boundMs} ms, ${Math.round(beforeMs)} ms before the rollout`,
      facts: { component: 'latency-p95', boundMs, beforeMs, rose },
    },
  ];

  function isBeyond(share: Proportion | undefined, limit: number, bound: number): boolean {
    if (share === undefined) return false;
    const phi = slowDispersion(bound, history, policy);
    return exceedsBeyondChance(share.events / phi, share.trials / phi, limit, policy.score.chanceAlpha);
  }
}

function fastOf(slow: Proportion | undefined): Proportion | undefined {
  return slow && { events: slow.trials - slow.events, trials: slow.trials };
}
