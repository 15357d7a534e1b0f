import { lnEvidence } from '#rollout/judge/e-value.ts';
import { type Evidence, weightsOf } from '#rollout/judge/evidence.ts';
import {
  evidenceText,
  millisecondsText,
  numberText,
  percentText,
  ratioText,
} from '#rollout/judge/figures.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import type { GuardAlarm, LookInput } from '#rollout/judge/look.ts';
import type { Reason } from '#rollout/judge/reasons.ts';
import type { JudgedRound } from '#rollout/judge/round.ts';
import type { RelativeTest, SequentialTest } from '#rollout/judge/sequential-tests.ts';
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

function strongEvidence(evidence: Evidence, state: StageState, policy: JudgePolicy): Reason[] {
  const { lnE, threshold } = evidence;
  if (lnE < threshold) return [];
  const strongest = strongestTest(evidence, state, policy);
  const found = strongest === undefined ? 'evidence of earlier stages' : describeTest(strongest);
  return [
    {
      code: 'evidence',
      text: `rolled back: ${found}, E = ${evidenceText(lnE)} ≥ ${numberText(Math.round(Math.exp(threshold)))}`,
      facts: { lnE, threshold, ...(strongest && { test: strongest.test, lnE1: strongest.lnE1 }) },
    },
  ];
}

/** The test that adds most to the combined E. */
function strongestTest(
  evidence: Evidence,
  state: StageState,
  policy: JudgePolicy,
): SequentialTest | undefined {
  const weights = weightsOf(policy);
  const part = ({ test, lnE1 }: SequentialTest) =>
    Math.log(weights[test]) + lnE1 + (state.carriedEvidence[test] ?? 0);
  return evidence.tests.toSorted((one, other) => part(other) - part(one))[0];
}

function describeTest(row: SequentialTest): string {
  if ('limit' in row) {
    const what =
      row.test === 'errors-absolute' ? 'errors in' : `slower than ${millisecondsText(row.boundMs ?? 0)} of`;
    return `${numberText(row.canary)} ${what} ${numberText(row.of)} requests (${percentText(row.canary / row.of)}), limit ${percentText(row.limit)}`;
  }
  const { canary, baseline, share, boundMs } = row;
  const events = boundMs === undefined ? 'errors' : `requests slower than ${millisecondsText(boundMs)}`;
  return `${numberText(canary)} of ${numberText(canary + baseline)} ${events} on ${percentText(share)} of traffic, ${describeRatio(row)}`;
}

function describeRatio({ canary, baseline, share, rateRatio: [low, high] }: RelativeTest): string {
  const interval = high === null ? `at least ${ratioText(low)}` : `${ratioText(low)}–${ratioText(high)}`;
  if (baseline === 0) return `none on the baseline (${interval}×)`;
  return `${ratioText((canary * (1 - share)) / (baseline * share))}× the baseline's rate (${interval})`;
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
