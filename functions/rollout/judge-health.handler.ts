import * as z from 'zod';
import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import type { LedgerSpool } from '#ledger/append.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import { METRIC } from '#platform/metric-names.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { batchId } from '#releases/release-records.ts';
import { metricSource } from '#rollout/adapters/rollout-ports.ts';
import { restoreEnvironment } from '#rollout/environment.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { type Decision, decide, firstLookState, type Look, lookInput } from '#rollout/look.ts';
import { lookProgress, lookRecords } from '#rollout/look-records.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { settledWindow, settleSecondsOf } from '#rollout/stage-clock.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const environment = readEnvironment({
  ...restoreEnvironment,
  LOOK_INTERVAL_SECONDS: z.coerce.number().int().min(1),
});
const { releases, ledger } = releasePorts(environment);
const spool: LedgerSpool = queueLedgerSpool(queues(), environment.LATE_RECORDS_QUEUE_URL);
const source = metricSource();

/** A source that doesn't answer is missing data, which extends the stage and at its deadline holds or restores. */
const readFacts = async (look: Omit<Look, 'periods'>, stable: string): Promise<readonly PeriodFacts[]> => {
  const { target, version, metrics: definition } = look.release;
  try {
    return await source.read(
      definition,
      { target, canary: version, baseline: stable },
      look.window.from,
      look.window.to,
    );
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    logger.warn('metrics unavailable', { releaseId: look.release.releaseId, error });
    return [];
  }
};

/** Waits for the ledger before anything moves forward; a rollback doesn't, its records come late. */
const tell = async (look: Look, decision: Decision, drafts: readonly RecordDraft[]): Promise<void> => {
  if (drafts.length === 0) return;
  const batch = batchId(look.release, 'stage', look.stageIndex, 'look', look.state.looks);
  try {
    await ledger.append(batch, drafts);
  } catch (error) {
    // An earlier try of this look has told what it saw; data that settled since makes this one differ.
    if (error instanceof ConflictError) return;
    if (decision.verdict !== 'restore') throw error;
    logger.error('ledger did not take the records of a rollback; they go to the queue', { error });
    await spool.spool(batch, drafts);
  }
};

export const handler = serveTask(rolloutTasks.JudgeHealth)(async (input) => {
  const release = await releases.get(input.releaseId);
  const stage = release?.plan.stages[input.stage];
  if (release?.snapshot === undefined || stage === undefined)
    throw new NotFoundError(`release ${input.releaseId} has no snapshot or no stage ${input.stage}`);
  const state = input.state ?? firstLookState();
  const waitSeconds = Math.max(
    environment.LOOK_INTERVAL_SECONDS,
    Math.min(release.metrics.periodSeconds, 60),
  );
  if (release.mode !== 'forward' || release.fence !== input.fence)
    return { verdict: 'fenced', waitSeconds, looks: state.looks, state, reasons: [] };

  const now = Date.now();
  const shiftedAt = Date.parse(input.shiftedAt);
  const settleSeconds = settleSecondsOf(release.metrics, release.snapshot);
  const window = settledWindow(shiftedAt, now, release.metrics.periodSeconds, settleSeconds);
  const about = { release, stageIndex: input.stage, stage, state, window, settleSeconds, shiftedAt, now };
  const look: Look = { ...about, periods: await readFacts(about, release.snapshot.stableVersion) };
  const result = judgeLook(lookInput(look));
  const decision = decide(look, result);
  if (look.periods.length === 0 && window.to > window.from)
    metrics.addMetric(METRIC.judgedWithoutData, 'Count', 1);

  await tell(look, decision, lookRecords(look, result, decision));
  const forward = await releases.noteProgress(
    release.releaseId,
    input.fence,
    lookProgress(look, result, decision),
  );
  return {
    verdict: forward ? decision.verdict : 'fenced',
    waitSeconds,
    looks: decision.state.looks,
    state: decision.state,
    reasons: [...decision.reasons],
  };
});
