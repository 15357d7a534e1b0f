import { type Plan, planOf } from '#policy/plan.ts';
import type { Scenario } from './simulated-rollout.ts';
import type { Behaviour } from './simulated-service.ts';

/** What is asked of a scenario: how many are found at least, and by which second half of all are. */
export interface Detection {
  readonly name: string;
  readonly scenario: Scenario;
  readonly foundMin?: number;
  readonly medianSecondsMax?: number;
  /** Many times the releases of other scenarios, where a share is asked for and its interval would be wide. */
  readonly times?: number;
}

/** One stage that lasts until something is found, or so long. */
function single(weightPercent: number, seconds: number): Plan {
  const stages = [{ weightPercent, rounds: seconds / 60, roundSeconds: 60 }];
  return { ...planOf('standard'), name: 'single', stages, stageDeadlineSeconds: 2 * seconds };
}

export const HOUR_AT_10 = single(10, 3_600);
const STANDARD = planOf('standard');
const SERVICE: Behaviour = { errorRate: 0.01, medianMs: 60, burstCv: 0 };
/** Half an error a minute on each arm at 10 requests a second. */
const SPARSE: Behaviour = { ...SERVICE, errorRate: 0.5 / 60 / 10 };

export function identical(
  plan: Plan,
  requestsPerSecond: number,
  errorRate: number,
  burstCv: number,
): Scenario {
  const behaviour = { ...SERVICE, errorRate, burstCv };
  return { plan, requestsPerSecond, baseline: behaviour, canary: behaviour };
}

function worse(
  plan: Plan,
  requestsPerSecond: number,
  baseline: Behaviour,
  change: Partial<Behaviour>,
): Scenario {
  return { plan, requestsPerSecond, baseline, canary: { ...baseline, ...change } };
}

/** What half of all releases are to be found by, that differ from `SERVICE` so. */
function soon(
  name: string,
  medianSecondsMax: number,
  plan: Plan,
  requestsPerSecond: number,
  change: Partial<Behaviour>,
): Detection {
  return { name, scenario: worse(plan, requestsPerSecond, SERVICE, change), medianSecondsMax };
}

const FROM_50 = { ...worse(STANDARD, 200, SERVICE, { errorRate: 0.02 }), worseFromStage: 2 };

/** The regressions that a good judge finds, with what is asked where something is. */
export const DETECTIONS: readonly Detection[] = [
  soon('5× errors of 1 %, 10 % of 200/s', 30, HOUR_AT_10, 200, { errorRate: 0.05 }),
  soon('2× errors of 1 %, 10 % of 200/s', 140, HOUR_AT_10, 200, { errorRate: 0.02 }),
  soon('1.5× errors of 1 %, 10 % of 200/s', 700, HOUR_AT_10, 200, { errorRate: 0.015 }),
  soon('2× errors of 1 %, standard from 5 % of 200/s', 210, STANDARD, 200, { errorRate: 0.02 }),
  { name: 'the same, but only from the stage at 50 % on', scenario: FROM_50 },
  soon('latency 1.5×, 10 % of 50/s', 150, HOUR_AT_10, 50, { medianMs: 90 }),
  soon('every request fails, 10 % of 5/s', 10, HOUR_AT_10, 5, { errorRate: 1 }),
  {
    name: '1 % errors, none on the baseline, 10 % of 50/s',
    scenario: worse(HOUR_AT_10, 50, { ...SERVICE, errorRate: 0 }, { errorRate: 0.01 }),
    foundMin: 1,
  },
  {
    name: '5× of 0.5 errors a minute, half of 20/s, 10 min',
    scenario: worse(single(50, 600), 20, SPARSE, { errorRate: 5 * SPARSE.errorRate }),
    foundMin: 0.7,
    times: 20,
  },
  {
    name: 'the same of half of 20 a minute (5 % errors)',
    scenario: worse(single(50, 600), 1 / 3, { ...SERVICE, errorRate: 0.05 }, { errorRate: 0.25 }),
    foundMin: 0.7,
  },
];

/** Nobody reaches the canary, or nobody comes at all: neither may be promoted, and nothing is wrong with the canary. */
export const SILENCES: readonly (readonly [name: string, scenario: Scenario])[] = [
  ['no request reaches the canary', { ...identical(STANDARD, 50, 0.01, 0), canaryIsSilent: true }],
  ['no requests at all', identical(STANDARD, 0, 0.01, 0)],
];
