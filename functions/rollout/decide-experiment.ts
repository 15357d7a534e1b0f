import { describeFreeze } from '#releases/freeze.ts';
import { EXPERIMENT_OVER, type Reason } from '#releases/release.ts';
import { experimentEndSeconds } from '#releases/step.ts';
import { type Decision, promoted } from '#rollout/decision.ts';
import { experimentOf } from '#rollout/experiment-look.ts';
import type { ExperimentResult } from '#rollout/judge/experiment.ts';
import type { ReasonCode } from '#rollout/judge/reasons.ts';
import { type Judged, type Look, looked } from '#rollout/look.ts';

const FOUND: Readonly<Record<NonNullable<ExperimentResult['decision']>, string>> = {
  canary: 'the new version has won',
  stable: 'the stable version has won',
  'no-difference': 'no difference that it was to find',
  'no-decision': 'no decision, for want of data',
};

/** What of a version's health keeps it from being promoted, though it is no reason to bring it back. */
const UNFIT: ReadonlySet<ReasonCode> = new Set(['round-failed', 'canary-requests-few', 'baseline-silent']);

/** The end that was planned: traffic goes back, and nothing has failed. */
const over = (look: Look, judged: Judged, found: ExperimentResult, because: string): Decision => {
  const { decision = 'no-decision', winner, enough } = found;
  const stable = look.wave.snapshot.stableVersion;
  const reason = {
    code: EXPERIMENT_OVER,
    text: `the experiment is over: ${FOUND[decision]}${because}; all traffic goes back to version ${stable}`,
    facts: { decision, winner, enough },
  };
  return {
    verdict: 'restore',
    reasons: [reason, ...found.reasons],
    state: looked(look, judged),
    holdBegins: false,
  };
};

/** What a version that has won still waits for. */
const awaited = (look: Look, { main }: Judged): readonly Reason[] => [
  ...(look.freeze === undefined
    ? []
    : [
        {
          code: 'frozen',
          text: `the new version has won and waits for its promotion: ${describeFreeze(look.release.environment, look.freeze)}`,
        },
      ]),
  ...(main.score === undefined
    ? [{ code: 'health-unknown', text: 'the new version has won, and its health is not known at this look' }]
    : []),
  ...main.reasons.filter(({ code }) => UNFIT.has(code)),
  ...(look.guards.unknown.length === 0
    ? []
    : [
        { code: 'guard-unknown', text: 'the new version has won, and not all of its guard alarms are heard' },
      ]),
];

/** A version that has won goes on to all traffic where that was wished for, and where nothing but time is in its way. */
const won = (look: Look, judged: Judged, found: ExperimentResult): Decision => {
  const waits = awaited(look, judged);
  const explained = [...found.reasons, ...judged.main.reasons];
  if (waits.length === 0) return promoted(look, judged, explained);
  const since = look.state.experiment?.at ?? new Date(look.now).toISOString();
  const seconds = (look.now - Date.parse(since)) / 1_000;
  const limit = experimentEndSeconds(look.release.plan, look.settleSeconds);
  if (look.freeze === undefined && seconds >= limit)
    return over(
      look,
      judged,
      found,
      `, and could not be promoted within ${limit} s (${waits.map(({ code }) => code).join(', ')})`,
    );
  return {
    verdict: 'continue',
    reasons: [...waits, ...explained],
    state: looked(look, judged),
    holdBegins: false,
  };
};

/** What is made of an experiment at a look that sees nothing wrong. Nobody but a winner is promoted, and only if that was said before. */
export const decideExperiment = (look: Look, judged: Judged, found: ExperimentResult): Decision => {
  if (found.verdict === 'running')
    return {
      verdict: 'continue',
      reasons: [...found.reasons, ...judged.main.reasons],
      state: looked(look, judged),
      holdBegins: false,
    };
  const promotes = experimentOf(look)?.onSuccess === 'promote';
  if (found.decision === 'canary' && promotes) return won(look, judged, found);
  return over(
    look,
    judged,
    found,
    found.decision === 'canary' ? ', which is to be told and not promoted' : '',
  );
};
