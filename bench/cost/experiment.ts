import type { Plan } from '#policy/plan.ts';
import { lookIntervalSeconds } from '#releases/look-interval.ts';
import { addUsage, type Usage } from './prices.ts';
import {
  calledUsage,
  callsOn,
  ledgerUsage,
  METRICS_PER_READ,
  ONCE,
  TEAM_TIMING,
  walkedUsage,
} from './standard-release.ts';
import { readWorkflow, walkWorkflow } from './walk-workflow.ts';

/** Both counts of the goal, of both versions. */
const GOAL_METRICS = 4;

/** After as many the stage's workflow ends and is started anew (statemachines/stage.asl.json). */
const LOOKS_A_SEGMENT = 1_000;

export interface CountedExperiment {
  readonly usage: Usage;
  readonly looks: number;
  readonly records: number;
}

/** The looks of an experiment that goes to its horizon. */
const looksUntil = (plan: Plan, horizonSeconds: number): number => {
  const { periodSeconds, settleSeconds, waitSeconds } = TEAM_TIMING;
  // The shift comes just after a period began, and the last period takes its time to settle.
  const end = horizonSeconds + periodSeconds + settleSeconds;
  const waves = [{ metrics: { periodSeconds } }];
  const step = { wave: 0, kind: 'experiment' } as const;
  let looks = 1;
  for (let now = 1; now < end; looks += 1)
    now += lookIntervalSeconds({ plan, waves }, step, waitSeconds, now);
  return looks;
};

/**
 * Everything that an experiment asks of AWS which is over at its horizon, with all traffic back on the stable version: the
 * workflows walked, every look asking for metrics, each round a record.
 */
export const countExperiment = (plan: Plan): CountedExperiment => {
  const { experiment } = plan;
  if (experiment === undefined) throw new Error(`plan ${plan.name} has no experiment`);
  const looks = looksUntil(plan, experiment.settings.horizon.seconds);
  const segments = Math.ceil(looks / LOOKS_A_SEGMENT);
  const again = (ways: string, times: number) => Array.from({ length: times }, () => ways);
  const walks = [
    walkWorkflow(readWorkflow('release'), ['RunRollout']),
    walkWorkflow(readWorkflow('rollout'), [
      'AnySteps',
      ...again('RunStage', segments),
      'RestoreTraffic',
      'End',
    ]),
    ...Array.from({ length: segments }, (_, segment) => {
      const isLast = segment === segments - 1;
      const here = isLast ? looks - segment * LOOKS_A_SEGMENT : LOOKS_A_SEGMENT;
      return walkWorkflow(readWorkflow('stage'), [
        'WaitForLook',
        ...again('WaitForLook', here - 1),
        isLast ? 'Restore' : 'Again',
      ]);
    }),
  ];
  const { PromoteVersion: _, ...calls } = callsOn(walks);
  const called = calledUsage(calls);
  // Each round is a batch of its own, and the end is one more.
  const told = experiment.rounds + 1;
  return {
    usage: addUsage(
      ONCE,
      ...walks.map(walkedUsage),
      called.usage,
      { metricsRead: looks * (METRICS_PER_READ + GOAL_METRICS) },
      ...Array.from({ length: told }, () => ledgerUsage(1)),
    ),
    looks,
    // A segment that begins anew finds its shift made and told: the two records are the first one's.
    records: told + called.records - 2 * (segments - 1),
  };
};
