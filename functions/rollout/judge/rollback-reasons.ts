import { lnEvidence } from '#rollout/judge/e-value.ts';
import type { Evidence } from '#rollout/judge/evidence.ts';
import { strongEvidence } from '#rollout/judge/evidence-reason.ts';
import { evidenceText, numberText, percentText } from '#rollout/judge/figures.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import type { GuardAlarm, LookInput } from '#rollout/judge/look.ts';
import type { Reason } from '#rollout/judge/reasons.ts';
import type { JudgedRound } from '#rollout/judge/round.ts';
import type { StageState } from '#rollout/judge/stage-state.ts';

/** Every rule that rolls back at once, each on its own; the first found decides, all are named. */
export function rollbackReasons(
  input: LookInput,
  state: StageState,
  evidence: Evidence,
  rounds: readonly JudgedRound[],
): Reason[] {
  const { policy } = input;
  return [
    ...guardAlarms(input.alarms ?? []),
    ...probesDown(state, policy),
    ...strongEvidence(evidence, state, policy),
    ...failedRounds(state, rounds, policy),
    ...lowScore(state, policy),
    ...failingProbes(state, policy),
  ];
}

function guardAlarms(alarms: readonly GuardAlarm[]): Reason[] {
  return alarms
    .filter(({ state }) => state === 'ALARM')
    .map(({ name }) => ({
      code: 'guard-alarm',
      text: `rolled back: guard alarm ${name} is in ALARM`,
      facts: { alarm: name },
    }));
}

function probesDown({ failedProbeLooksRunning: looks }: StageState, policy: JudgePolicy): Reason[] {
  if (looks < policy.failedProbeLooksMax) return [];
  return [
    {
      code: 'probes-down',
      text: `rolled back: every probe failed in ${looks} looks running`,
      facts: { looks, limit: policy.failedProbeLooksMax },
    },
  ];
}

function failedRounds(state: StageState, rounds: readonly JudgedRound[], policy: JudgePolicy): Reason[] {
  const running = state.failedRoundsRunning;
  if (running < policy.failedRoundsMax) return [];
  const details = rounds.flatMap(({ reasons }) => reasons.filter(({ code }) => code === 'limit-missed'));
  return [
    {
      code: 'failed-rounds',
      text: `rolled back: ${running} failed rounds running${details.map(({ text }) => `; ${text}`).join('')}`,
      facts: {
        failedRounds: running,
        limit: policy.failedRoundsMax,
        components: [...state.failedComponents],
      },
    },
  ];
}

/** Below the limit even at the canary's most favourable, and worse than the baseline under the same traffic. */
function lowScore(state: StageState, policy: JudgePolicy): Reason[] {
  if (state.roundsScored === 0) return [];
  const scoreUpper = state.scoreUpperSum / state.roundsScored;
  const baselineScore =
    state.roundsWithBaseline === 0 ? null : state.baselineScoreSum / state.roundsWithBaseline;
  if (scoreUpper >= policy.score.averageMin || (baselineScore !== null && scoreUpper >= baselineScore))
    return [];
  const against =
    baselineScore === null ? '' : `, the baseline scores ${numberText(Number(baselineScore.toFixed(1)))}`;
  return [
    {
      code: 'score-low',
      text: `rolled back: the stage's average score is at most ${numberText(Number(scoreUpper.toFixed(1)))} < ${policy.score.averageMin}${against}`,
      facts: { scoreUpper, limit: policy.score.averageMin, baselineScore, rounds: state.roundsScored },
    },
  ];
}

/** More of the stage's probes fail than the policy allows, by a test that may be looked at any time. */
function failingProbes({ probesSeen }: StageState, policy: JudgePolicy): Reason[] {
  const failed = Math.max(0, probesSeen.attempts - probesSeen.successes);
  if (failed === 0) return [];
  const limit = policy.failedProbesPercentMax / 100;
  const { alpha, concentration } = policy.evidence;
  const { lnE1 } = lnEvidence({ canary: failed, other: probesSeen.successes }, limit, concentration);
  if (lnE1 < -Math.log(alpha)) return [];
  return [
    {
      code: 'probes-failing',
      text: `rolled back: ${numberText(failed)} of ${numberText(probesSeen.attempts)} probes failed (${percentText(failed / probesSeen.attempts)}), limit ${percentText(limit)}, E = ${evidenceText(lnE1)}`,
      facts: { failed, attempts: probesSeen.attempts, limit, lnE1 },
    },
  ];
}
