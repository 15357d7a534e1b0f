import { errorDispersion } from '#rollout/judge/dispersion.ts';
import { shareInterval } from '#rollout/judge/e-value.ts';
import type { Evidence } from '#rollout/judge/evidence.ts';
import { errorsOf } from '#rollout/judge/facts.ts';
import { numberText, percentText, ratioText } from '#rollout/judge/figures.ts';
import type { LookInput } from '#rollout/judge/look.ts';
import type { Reason } from '#rollout/judge/reasons.ts';
import type { StageState } from '#rollout/judge/stage-state.ts';

/** True when the time of every round has been judged: the stage may end, if what was seen allows. */
export function isStageOver({ stage, facts }: LookInput, state: StageState): boolean {
  return state.lastRound >= stage.rounds && facts.judgedSeconds >= stage.rounds * stage.roundSeconds;
}

/** What still stands between the stage and its promotion; empty means that it may be promoted. Silence is never empty. */
export function obstacles(input: LookInput, state: StageState, evidence: Evidence): Reason[] {
  return [
    ...roundsOpen(input, state),
    ...lastRound(state),
    ...enoughData(input),
    ...(input.policy.promoteOn === 'evidence' && !input.stage.final ? intervalWide(input, evidence) : []),
  ];
}

function roundsOpen(input: LookInput, state: StageState): Reason[] {
  if (isStageOver(input, state)) return [];
  const { rounds, roundSeconds } = input.stage;
  const { judgedSeconds } = input.facts;
  return [
    {
      code: 'rounds-open',
      text: `${state.lastRound} of ${rounds} rounds judged, ${numberText(judgedSeconds)} of ${numberText(rounds * roundSeconds)} s of data`,
      facts: { judged: state.lastRound, rounds, judgedSeconds, stageSeconds: rounds * roundSeconds },
    },
  ];
}

function lastRound({ lastRound: round, lastStatus }: StageState): Reason[] {
  switch (lastStatus) {
    case 'passed':
    case 'partial':
      return [];
    case 'failed':
      return [{ code: 'round-failed', text: `the last round (${round}) failed`, facts: { round } }];
    case 'inconclusive':
    case undefined:
      return [
        { code: 'round-inconclusive', text: `the last round (${round}) had no data`, facts: { round } },
      ];
  }
}

/** INV-8: the canary must have served, and in a comparison the stable version too; at 100 % probes may stand for requests. */
function enoughData({ stage, facts, policy }: LookInput): Reason[] {
  const { canary, baseline, probes } = facts.cumulative;
  const attempts = probes?.attempts ?? 0;
  const probed = attempts >= policy.minimumProbeAttempts;
  const probesFew: Reason = {
    code: 'probes-few',
    text: `${numberText(attempts)} probes, at least ${policy.minimumProbeAttempts} are needed`,
    facts: { attempts, minimum: policy.minimumProbeAttempts },
  };
  if (policy.measures === 'probes-only') return probed ? [] : [probesFew];
  const requests = canary?.requests ?? 0;
  const minimum = policy.minimumCanaryRequests;
  const requestsFew: Reason = {
    code: 'canary-requests-few',
    text: `${canary?.requests === undefined ? 'no count of canary requests' : `${numberText(requests)} canary requests`}, at least ${numberText(minimum)} are needed`,
    facts: { requests: canary?.requests ?? null, minimum },
  };
  if (stage.final) return probed || requests >= minimum ? [] : [probesFew, requestsFew];
  const silent: Reason = {
    code: 'baseline-silent',
    text: 'the stable version shows no requests, so there is nothing to compare with',
    facts: { requests: baseline?.requests ?? null },
  };
  return [...(requests >= minimum ? [] : [requestsFew]), ...((baseline?.requests ?? 0) > 0 ? [] : [silent])];
}

/** `promoteOn: evidence`: the errors are known well enough, by their ratio or (where there are too few to have one) by their rate. */
function intervalWide({ facts, policy }: LookInput, evidence: Evidence): Reason[] {
  const ratioMax = policy.promotionRateRatioMax;
  const rateMax = policy.score.errorRate.promotionPercentMax / 100;
  const relative = evidence.tests.find(({ test }) => test === 'errors-relative');
  const ratioUpper = relative !== undefined && 'rateRatio' in relative ? relative.rateRatio[1] : null;
  const rateUpper = errorRateUpper(facts, policy, rateMax);
  if ((ratioUpper !== null && ratioUpper < ratioMax) || rateUpper < rateMax) return [];
  const ratioKnown = ratioUpper === null ? 'unbounded' : `at most ${ratioText(ratioUpper)}×`;
  return [
    {
      code: 'interval-wide',
      text: `the error ratio is ${ratioKnown} (below ${ratioText(ratioMax)}× is needed), the error rate at most ${percentText(rateUpper)} (below ${percentText(rateMax)})`,
      facts: { ratioUpper, ratioMax, rateUpper, rateMax },
    },
  ];
}

/** Upper end of the anytime interval of the canary's error rate; 1 when there is no count. */
function errorRateUpper(facts: LookInput['facts'], policy: LookInput['policy'], rateMax: number): number {
  const errors = errorsOf(facts.cumulative.canary);
  if (errors === undefined || rateMax <= 0 || rateMax >= 1) return 1;
  const phi = errorDispersion(facts.history, policy);
  const tally = { canary: errors.events / phi, other: (errors.trials - errors.events) / phi };
  return shareInterval(tally, rateMax, policy.evidence.concentration, policy.evidence.alpha)[1];
}
