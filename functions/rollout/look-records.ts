import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { systemActor } from '#platform/actor.ts';
import type { Progress } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import type { Decision, Look } from '#rollout/look.ts';

const DECIDED: Record<Decision['verdict'], LedgerEventType | undefined> = {
  continue: undefined,
  promote: 'release.stage.promoted',
  restore: 'release.look.decided',
};

/** Everything a look has to tell: each round it judged, and what it decided. A look that only waits tells nothing. */
export const lookRecords = (look: Look, result: LookResult, decision: Decision): readonly RecordDraft[] => {
  const at = new Date(look.now).toISOString();
  const tell = (type: LedgerEventType, data: Readonly<Record<string, unknown>>): RecordDraft =>
    releaseRecord(type, look.release, systemActor('judge-health'), at, {
      stage: look.stageIndex,
      weightPercent: look.stage.weightPercent,
      ...data,
    });
  const verdict = {
    verdict: decision.verdict,
    reasons: decision.reasons,
    evidence: result.evidence,
    ...(result.score !== undefined && { score: result.score }),
    ...(result.scoreUpper !== undefined && { scoreUpper: result.scoreUpper }),
    ...(result.baselineScore !== undefined && { baselineScore: result.baselineScore }),
  };
  const decided = decision.holdBegins ? 'release.stage.held' : DECIDED[decision.verdict];
  return [
    ...result.rounds.map((round) => tell('release.round.judged', { round })),
    ...(decided === undefined ? [] : [tell(decided, verdict)]),
  ];
};

/** What people see of the release after this look. */
export const lookProgress = (look: Look, result: LookResult, decision: Decision): Progress => ({
  stage: look.stageIndex,
  stages: look.release.plan.stages.length,
  weightPercent: look.stage.weightPercent,
  round: result.state.lastRound,
  rounds: look.stage.rounds,
  ...(result.score !== undefined && { score: result.score }),
  ...(result.scoreUpper !== undefined && { scoreUpper: result.scoreUpper }),
  ...(result.baselineScore !== undefined && { baselineScore: result.baselineScore }),
  verdict: decision.verdict === 'continue' ? result.verdict : decision.verdict,
  reasons: [...decision.reasons],
  lookedAt: new Date(look.now).toISOString(),
});
