import { armsOf } from '#rollout/judge/arms.ts';
import { baselineDrift } from '#rollout/judge/baseline-drift.ts';
import { weighEvidence } from '#rollout/judge/evidence.ts';
import { numberText } from '#rollout/judge/figures.ts';
import { explainScore, scoreHealth } from '#rollout/judge/health-score.ts';
import type { LookFacts, LookInput, LookResult, Verdict } from '#rollout/judge/look.ts';
import { isStageOver, obstacles } from '#rollout/judge/promotion.ts';
import type { Reason } from '#rollout/judge/reasons.ts';
import { rollbackReasons } from '#rollout/judge/rollback-reasons.ts';
import { judgeRound } from '#rollout/judge/round.ts';
import { afterProbes, afterRound, pastOfBaseline } from '#rollout/judge/stage-state.ts';

/**
 * The verdict of one look at a stage. Pure, and safe to repeat: rounds already judged and probes already seen count once.
 *
 * - `rollback` whenever a rule says so, at any time
 * - `promote` when the stage's rounds are over and nothing is missing
 * - `continue` while rounds are open; `extend` when they are over and data, or a round that did not fail, is missing
 * - `hold` or `rollback`, by policy, when that is still so at the stage's deadline
 */
export function judgeLook(given: LookInput): LookResult {
  const input = { ...given, facts: comparable(given) };
  const { policy, facts } = input;
  const history = pastOfBaseline(facts.history, input.state);
  const fresh = facts.rounds
    .filter(({ number }) => number > input.state.lastRound)
    .toSorted((one, other) => one.number - other.number);
  const rounds = fresh.map((round) => judgeRound(round, history, policy));
  const evidence = weighEvidence(facts.cumulative, facts.before, history, input.state, policy);
  const state = {
    ...rounds.reduce(afterRound, afterProbes(input.state, facts.cumulative.probes)),
    stageEvidence: evidence.stage,
    previousEvidence: evidence.previous ?? {},
    ...(facts.cumulative.baseline && { stageBaseline: facts.cumulative.baseline }),
  };
  const { canary, baseline } = armsOf(facts.cumulative, history, policy);
  const health = scoreHealth(canary, baseline, history, policy);
  const baselineHealth = scoreHealth(baseline, baseline, history, policy);
  const breaches = rollbackReasons(input, state, evidence, rounds);
  const decision =
    breaches.length > 0
      ? { verdict: 'rollback' as const, reasons: breaches }
      : advance(input, obstacles(input, state, evidence), isStageOver(input, state));
  return {
    verdict: decision.verdict,
    ...(health.coverage !== 'inconclusive' && { score: health.score, scoreUpper: health.scoreUpper }),
    ...(baselineHealth.coverage !== 'inconclusive' && { baselineScore: baselineHealth.score }),
    evidence,
    rounds,
    reasons: [
      ...decision.reasons,
      ...rounds.flatMap(({ reasons }) => reasons.filter(({ code }) => code === 'limit-missed')),
      ...explainScore(health, canary, baseline),
      ...baselineDrift(facts.cumulative, facts.history, policy),
    ],
    state,
  };
}

/**
 * At 100 % the stable version serves stragglers at most. A handful of requests is no arm to compare with, and must not stand
 * in the place of the history.
 */
function comparable({ stage, facts }: LookInput): LookFacts {
  if (!stage.final) return facts;
  const { baseline: _, ...cumulative } = facts.cumulative;
  const rounds = facts.rounds.map(({ baseline, ...round }) => round);
  return { ...facts, cumulative, rounds };
}

interface Decision {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
}

function advance(input: LookInput, missing: readonly Reason[], stageOver: boolean): Decision {
  if (missing.length === 0) return { verdict: 'promote', reasons: [stagePassed(input)] };
  if (input.deadline === 'passed') return atDeadline(input, missing);
  return { verdict: stageOver ? 'extend' : 'continue', reasons: missing };
}

function atDeadline({ policy, stage }: LookInput, missing: readonly Reason[]): Decision {
  const restores = policy.onInsufficientData === 'restore';
  const because = missing.map(({ text }) => text).join('; ');
  const reason: Reason = {
    code: 'insufficient-data',
    text: `${restores ? 'rolled back' : 'held'}: the stage's deadline passed and it can't be promoted: ${because}`,
    facts: { stage: stage.index, missing: missing.map(({ code }) => code) },
  };
  return { verdict: restores ? 'rollback' : 'hold', reasons: [reason, ...missing] };
}

function stagePassed({ stage, facts }: LookInput): Reason {
  const requests = facts.cumulative.canary?.requests;
  const probes = facts.cumulative.probes?.attempts;
  const seen = [
    ...(requests === undefined ? [] : [`${numberText(requests)} canary requests`]),
    ...(probes === undefined ? [] : [`${numberText(probes)} probes`]),
  ];
  return {
    code: 'stage-passed',
    text: `promoted: ${stage.rounds} rounds of ${numberText(stage.roundSeconds)} s at ${stage.weightPercent} % judged, ${seen.join(' and ')}`,
    facts: { stage: stage.index, rounds: stage.rounds, requests: requests ?? null, probes: probes ?? null },
  };
}
