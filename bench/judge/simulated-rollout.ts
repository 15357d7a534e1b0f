import { type Plan, stageDeadlineSeconds } from '#policy/plan.ts';
import {
  type ArmCounts,
  type ArmFacts,
  addArms,
  addProbes,
  type BaselineHistory,
} from '#rollout/judge/facts.ts';
import { historyOf } from '#rollout/judge/history.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import type { RoundFacts } from '#rollout/judge/round.ts';
import { initialStageState, nextStageState } from '#rollout/judge/stage-state.ts';
import type { Random } from './random.ts';
import { add, asCounts, type Behaviour, NOTHING, type Served, serve } from './simulated-service.ts';

const LOOK_SECONDS = 10;
const HISTORY_LOOKS = 360;
const PROBES_PER_LOOK = 3;
const policy = JudgePolicy.parse({});

export interface Scenario {
  readonly plan: Plan;
  readonly requestsPerSecond: number;
  readonly baseline: Behaviour;
  readonly canary: Behaviour;
  /** Until this stage the canary behaves as the baseline does. */
  readonly worseFromStage?: number;
}

/** How a release ended, and what was seen on the way. */
export interface Outcome {
  readonly end: 'promoted' | 'rolled-back' | 'held';
  /** Since the canary became worse. */
  readonly seconds: number;
  readonly canaryRequests: number;
  readonly last: LookResult;
  /** Every round that was judged, for the plain rules to judge as well. */
  readonly rounds: readonly (RoundFacts & { readonly stage: number })[];
}

/** 60 minutes of looks at the stable version alone, as the judge's reference. */
export function pastOf(random: Random, { baseline, requestsPerSecond }: Scenario): BaselineHistory {
  const looks = Array.from({ length: HISTORY_LOOKS }, () =>
    asCounts(random, serve(random, baseline, requestsPerSecond, LOOK_SECONDS), baseline.medianMs),
  );
  return historyOf(looks);
}

/** One release from its first look to its end, looked at every 10 s by the whole verdict. */
export function simulate(random: Random, scenario: Scenario, history: BaselineHistory): Outcome {
  const { plan } = scenario;
  const rounds: (RoundFacts & { stage: number })[] = [];
  let [seconds, canaryRequests] = [0, 0];
  let state = initialStageState();
  for (const [index, stage] of plan.stages.entries()) {
    const final = stage.weightPercent === 100;
    const share = stage.weightPercent / 100;
    let [cumulative, round, inStage]: [ArmFacts, Period, number] = [{}, EMPTY, 0];
    for (;;) {
      inStage += LOOK_SECONDS;
      const canary = index < (scenario.worseFromStage ?? 0) ? scenario.baseline : scenario.canary;
      const period = periodOf(random, { ...scenario, canary }, share);
      canaryRequests += period.canary.requests;
      cumulative = sum(cumulative, factsOf(random, scenario, period, final));
      round = {
        canary: add(round.canary, period.canary),
        baseline: add(round.baseline, period.baseline),
        probes: addProbes(round.probes, period.probes) ?? period.probes,
      };
      const fresh: RoundFacts[] = [];
      if (inStage % stage.roundSeconds === 0) {
        fresh.push({ number: inStage / stage.roundSeconds, ...factsOf(random, scenario, round, final) });
        round = EMPTY;
      }
      rounds.push(...fresh.map((facts) => ({ ...facts, stage: index })));
      const last = judgeLook({
        policy,
        stage: { index, ...stage, final },
        facts: { judgedSeconds: inStage, cumulative, rounds: fresh, history },
        deadline: inStage > stageDeadlineSeconds(plan, stage, 0) ? 'passed' : 'open',
        state,
      });
      state = last.state;
      const at = { seconds: seconds + inStage, canaryRequests, last, rounds };
      if (last.verdict === 'rollback') return { end: 'rolled-back', ...at };
      if (last.verdict === 'hold') return { end: 'held', ...at };
      if (last.verdict !== 'promote') continue;
      if (index === plan.stages.length - 1) return { end: 'promoted', ...at };
      break;
    }
    seconds = index < (scenario.worseFromStage ?? 0) ? 0 : seconds + inStage;
    state = nextStageState(state);
  }
  throw new Error('a plan has at least one stage');
}

interface Period {
  readonly canary: Served;
  readonly baseline: Served;
  readonly probes: { readonly attempts: number; readonly successes: number };
}

const EMPTY: Period = { canary: NOTHING, baseline: NOTHING, probes: { attempts: 0, successes: 0 } };

function periodOf(random: Random, scenario: Scenario, share: number): Period {
  const { requestsPerSecond, canary, baseline } = scenario;
  return {
    canary: serve(random, canary, requestsPerSecond * share, LOOK_SECONDS),
    baseline: serve(random, baseline, requestsPerSecond * (1 - share), LOOK_SECONDS),
    probes: { attempts: PROBES_PER_LOOK, successes: random.binomial(PROBES_PER_LOOK, 1 - canary.errorRate) },
  };
}

function factsOf(random: Random, scenario: Scenario, period: Period, final: boolean): ArmFacts {
  const counts = (served: Served, behaviour: Behaviour): ArmCounts =>
    asCounts(random, served, behaviour.medianMs);
  return {
    canary: counts(period.canary, scenario.canary),
    ...(!final && { baseline: counts(period.baseline, scenario.baseline) }),
    probes: period.probes,
  };
}

function sum(one: ArmFacts, other: ArmFacts): ArmFacts {
  const canary = addArms(one.canary, other.canary);
  const baseline = addArms(one.baseline, other.baseline);
  const probes = addProbes(one.probes, other.probes);
  return { ...(canary && { canary }), ...(baseline && { baseline }), ...(probes && { probes }) };
}
