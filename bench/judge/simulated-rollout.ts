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
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import type { RoundFacts } from '#rollout/judge/round.ts';
import { initialStageState, nextStageState } from '#rollout/judge/stage-state.ts';
import type { Random } from './random.ts';
import { add, asCounts, type Behaviour, NOTHING, type Served, serve } from './simulated-service.ts';

const LOOK_SECONDS = 10;
const HISTORY_LOOKS = 360;
const PROBES_PER_LOOK = 3;
const policy = judgePolicySchema.parse({});

export interface Scenario {
  readonly plan: Plan;
  readonly requestsPerSecond: number;
  readonly baseline: Behaviour;
  readonly canary: Behaviour;
  /** Until this stage the canary behaves as the baseline does. */
  readonly worseFromStage?: number;
  /** All traffic stays with the stable version, whatever the weight. */
  readonly canaryIsSilent?: boolean;
}

/** What one look or round saw, `second` its end since the release began. */
interface SeenFacts {
  readonly stage: number;
  readonly second: number;
  readonly facts: ArmFacts;
}

/** All looks and rounds of a release, also those after it was rolled back: for other rules to judge as well. */
export interface Seen {
  readonly looks: readonly SeenFacts[];
  readonly rounds: readonly SeenFacts[];
  /** The second since which the canary is worse. */
  readonly worseSince: number;
}

/** How a release ended, and what was seen on the way. */
export interface Outcome extends Seen {
  readonly end: 'promoted' | 'rolled-back' | 'held';
  /** Since the canary became worse. */
  readonly seconds: number;
  readonly canaryRequests: number;
  readonly last: LookResult;
}

/** 60 minutes of looks at the stable version alone, as the judge's reference. */
export function pastOf(random: Random, { baseline, requestsPerSecond }: Scenario): BaselineHistory {
  const looks = Array.from({ length: HISTORY_LOOKS }, () =>
    asCounts(random, serve(random, baseline, requestsPerSecond, LOOK_SECONDS), baseline.medianMs),
  );
  return historyOf(looks);
}

/** One release from its first look to the end of its plan, looked at every 10 s by the whole verdict until that ends it. */
export function simulate(random: Random, scenario: Scenario, history: BaselineHistory): Outcome {
  const { plan, worseFromStage = 0 } = scenario;
  const looks: SeenFacts[] = [];
  const rounds: SeenFacts[] = [];
  let [second, worseSince, canaryRequests] = [0, 0, 0];
  let state = initialStageState();
  let ended: Omit<Outcome, keyof Seen> | undefined;
  for (const [index, stage] of plan.stages.entries()) {
    if (index === worseFromStage) worseSince = second;
    const final = stage.weightPercent === 100;
    const canary = index < worseFromStage ? scenario.baseline : scenario.canary;
    let [cumulative, round, inStage, over]: [ArmFacts, Period, number, boolean] = [{}, EMPTY, 0, false];
    while (!over) {
      inStage += LOOK_SECONDS;
      second += LOOK_SECONDS;
      const period = periodOf(random, { ...scenario, canary }, shareOf(scenario, stage.weightPercent));
      const facts = factsOf(random, { ...scenario, canary }, period, final);
      looks.push({ stage: index, second, facts });
      round = addPeriods(round, period);
      const fresh: RoundFacts[] = [];
      if (inStage % stage.roundSeconds === 0) {
        const seen = factsOf(random, { ...scenario, canary }, round, final);
        fresh.push({ number: inStage / stage.roundSeconds, ...seen });
        rounds.push({ stage: index, second, facts: seen });
        round = EMPTY;
      }
      if (ended !== undefined) {
        over = inStage >= stage.rounds * stage.roundSeconds;
        continue;
      }
      cumulative = sum(cumulative, facts);
      canaryRequests += period.canary.requests;
      const last = judgeLook({
        policy,
        stage: { index, ...stage, final },
        facts: { judgedSeconds: inStage, cumulative, rounds: fresh, history },
        deadline: inStage > stageDeadlineSeconds(plan, stage, 0) ? 'passed' : 'open',
        state,
      });
      state = last.state;
      const at = { seconds: second - worseSince, canaryRequests, last };
      if (last.verdict === 'rollback') ended = { end: 'rolled-back', ...at };
      if (last.verdict === 'hold') ended = { end: 'held', ...at };
      over = last.verdict === 'promote';
      if (over && index === plan.stages.length - 1) ended = { end: 'promoted', ...at };
    }
    state = nextStageState(state);
  }
  if (ended === undefined) throw new Error('a plan has at least one stage');
  return { ...ended, looks, rounds, worseSince };
}

interface Period {
  readonly canary: Served;
  readonly baseline: Served;
  readonly probes: { readonly attempts: number; readonly successes: number };
}

const EMPTY: Period = { canary: NOTHING, baseline: NOTHING, probes: { attempts: 0, successes: 0 } };

function shareOf({ canaryIsSilent }: Scenario, weightPercent: number): number {
  return canaryIsSilent === true ? 0 : weightPercent / 100;
}

function addPeriods(one: Period, other: Period): Period {
  return {
    canary: add(one.canary, other.canary),
    baseline: add(one.baseline, other.baseline),
    probes: addProbes(one.probes, other.probes) ?? other.probes,
  };
}

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
