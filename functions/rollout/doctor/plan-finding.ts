import { type Plan, type Stage, stageDeadlineSeconds } from '#policy/plan.ts';
import { type Finding, finding } from '#rollout/doctor/finding.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';

export interface Traffic {
  /** Of the whole service, as it is now. */
  readonly requestsPerSecond: number;
  readonly settleSeconds: number;
}

const durationText = (seconds: number): string => {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

const rateText = (perSecond: number): string =>
  perSecond >= 1
    ? `${perSecond.toFixed(1)} requests a second`
    : `${(perSecond * 60).toFixed(1)} requests a minute`;

/** How long a stage takes at this traffic: its rounds, or longer where the canary's least requests come later. */
const stageTimes = (
  plan: Plan,
  stage: Stage,
  minimum: number,
  { requestsPerSecond, settleSeconds }: Traffic,
) => {
  const roundsSeconds = stage.rounds * stage.roundSeconds;
  const requestsSeconds = minimum / ((requestsPerSecond * stage.weightPercent) / 100);
  // Counts are seen once they have settled, and the deadline is the clock's, not the data's.
  const withinSeconds = stageDeadlineSeconds(plan, stage, settleSeconds) - settleSeconds;
  return { roundsSeconds, requestsSeconds, withinSeconds };
};

/** Whether every stage can have the requests it needs before its deadline, at the traffic there is now, and how long that takes. */
export const planFinding = (
  plan: Plan,
  policy: Pick<JudgePolicy, 'minimumCanaryRequests' | 'measures'>,
  traffic: Traffic | undefined,
): Finding => {
  const minimum = policy.minimumCanaryRequests;
  if (policy.measures === 'probes-only')
    return finding('plan', 'ok', 'the judge goes by probes alone, so that no stage waits for requests');
  if (traffic === undefined || traffic.requestsPerSecond === 0)
    return finding(
      'plan',
      'unknown',
      `how much traffic there is is not known; each stage waits for ${minimum} requests to the new version`,
    );
  const stages = plan.stages.map((stage, index) => ({
    number: index + 1,
    weightPercent: stage.weightPercent,
    ...stageTimes(plan, stage, minimum, traffic),
  }));
  const facts = { requestsPerSecond: traffic.requestsPerSecond, minimumCanaryRequests: minimum, stages };
  const at = `at ${rateText(traffic.requestsPerSecond)}`;
  const late = stages.find(({ requestsSeconds, withinSeconds }) => requestsSeconds > withinSeconds);
  if (late !== undefined)
    return finding(
      'plan',
      'fail',
      `${at} stage ${late.number} (${late.weightPercent} %) has its ${minimum} requests after ${durationText(late.requestsSeconds)}, and is held or restored after ${durationText(late.withinSeconds)}: give it more weight, a longer stageDeadlineSeconds, or a lower judge.minimumCanaryRequests`,
      facts,
    );
  const seconds = stages.reduce(
    (sum, { roundsSeconds, requestsSeconds }) =>
      sum + Math.max(roundsSeconds, requestsSeconds) + traffic.settleSeconds,
    0,
  );
  return finding(
    'plan',
    'ok',
    `${at} a release by plan ${plan.name} takes about ${durationText(seconds)}`,
    facts,
  );
};
