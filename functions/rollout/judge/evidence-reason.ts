import { addStages, type Evidence, weightsOf } from '#rollout/judge/evidence.ts';
import {
  evidenceText,
  millisecondsText,
  numberText,
  percentText,
  ratioText,
} from '#rollout/judge/figures.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';
import type { Reason } from '#rollout/judge/reasons.ts';
import type { RelativeTest, SequentialTest } from '#rollout/judge/sequential-tests.ts';
import type { StageState } from '#rollout/judge/stage-state.ts';

/** Combined evidence past 1/α, told by the counts of the test that weighs most. */
export function strongEvidence(evidence: Evidence, state: StageState, policy: JudgePolicy): Reason[] {
  const { lnE, threshold } = evidence;
  if (lnE < threshold) return [];
  const strongest = strongestTest(evidence, state, policy);
  const found = strongest === undefined ? foundEarlier(state) : describeStrongest(strongest);
  return [
    {
      code: 'evidence',
      text: `rolled back: ${found}, E = ${evidenceText(lnE)} ≥ ${numberText(Math.round(Math.exp(threshold)))}`,
      facts: {
        lnE,
        threshold,
        ...(strongest && { test: strongest.row.test, lnE1: strongest.row.lnE1 }),
      },
    },
  ];
}

interface Strongest {
  readonly row: SequentialTest;
  readonly among: readonly SequentialTest[];
  /** Of the stage before, whose data settled late. */
  readonly late: boolean;
}

/** No test of this stage has data yet, and none of the one before has more. */
function foundEarlier({ carriedEvidence, previousEvidence }: StageState): string {
  const found = Object.entries(addStages(carriedEvidence, previousEvidence)).filter(([, ln]) => ln > 0);
  return `earlier stages found ${found.map(([name, ln]) => `${name} with E = ${evidenceText(ln)}`).join(' and ')}`;
}

/** The test that adds most to the combined E; of the stage before only where that is what adds to it now. */
function strongestTest(
  { tests, testsBefore = [] }: Evidence,
  state: StageState,
  policy: JudgePolicy,
): Strongest | undefined {
  const weights = weightsOf(policy);
  const part = ({ row, late }: Strongest) =>
    Math.log(weights[row.test]) +
    row.lnE1 +
    (state.carriedEvidence[row.test] ?? 0) +
    (late ? 0 : (state.previousEvidence[row.test] ?? 0));
  const rows = [
    ...tests.map((row): Strongest => ({ row, among: tests, late: false })),
    ...testsBefore.map((row): Strongest => ({ row, among: testsBefore, late: true })),
  ];
  return rows.toSorted((one, other) => part(other) - part(one))[0];
}

function describeStrongest({ row, among, late }: Strongest): string {
  return `${describeTest(row, among)}${late ? ' in the stage before' : ''}`;
}

/** The test of few errors is told by the counts that it shares with the relative one. */
function describeTest(row: SequentialTest, tests: readonly SequentialTest[]): string {
  if (row.test === 'errors-few') {
    const same = tests.find((other): other is RelativeTest => other.test === 'errors-relative');
    return same === undefined ? 'few errors, most of them on the canary' : describeTest(same, tests);
  }
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
