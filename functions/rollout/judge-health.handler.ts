import * as z from 'zod';
import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import { queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { NotFoundError, TransientError } from '#platform/errors.ts';
import { METRIC } from '#platform/metric-names.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import type { Progress, Release } from '#releases/release.ts';
import { httpProbes } from '#rollout/adapters/http-probes.ts';
import { metricSource } from '#rollout/adapters/rollout-ports.ts';
import { metricEnvironment, probeEnvironment, restoreEnvironment } from '#rollout/environment.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { type Decision, decide, firstLookState, type Look, lookInput } from '#rollout/look.ts';
import { lookProgress, lookRecords } from '#rollout/look-records.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { settledWindow, settleSecondsOf } from '#rollout/stage-clock.ts';
import { type LookProbes, withLook } from '#rollout/stage-probes.ts';
import { rolloutTasks } from '#rollout/tasks.ts';
import { type TellPorts, tellLook } from '#rollout/tell-look.ts';

const environment = readEnvironment({
  ...restoreEnvironment,
  ...metricEnvironment,
  ...probeEnvironment,
  LOOK_INTERVAL_SECONDS: z.coerce.number().int().min(1),
});
const { releases, ledger } = releasePorts(environment);
const telling: TellPorts = {
  ledger,
  spool: queueLedgerSpool(queues(), environment.LATE_RECORDS_QUEUE_URL),
  onTrouble: (what, error) => logger.error(what, { error }),
};
const source = metricSource(environment);
const probe = httpProbes({ hosts: environment.PROBE_HOSTS, reach: environment.OUTBOUND_REACH });

/** A source that doesn't answer is missing data, which extends the stage and at its deadline holds or restores. */
const readFacts = async (
  look: Omit<Look, 'periods' | 'state'>,
  stable: string,
): Promise<readonly PeriodFacts[]> => {
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

/** What the service answers now; nothing where it declares no probes. */
const probeService = async ({ releaseId, probes }: Release): Promise<LookProbes> => {
  if (probes === undefined) return {};
  const { counts, troubles } = await probe(probes);
  if (troubles.length > 0) logger.warn('probes without success', { releaseId, troubles });
  return counts;
};

/**
 * Notes on the release what this look makes of it, and is told whether it still may: a stage passes only if the same
 * write finds it neither stopped nor paused. A restore asks nobody.
 */
const commit = async (look: Look, fence: number, progress: Progress, decision: Decision) => {
  const { releaseId } = look.release;
  try {
    if (decision.verdict === 'promote') return await releases.passStage(releaseId, fence, progress);
    return (await releases.noteProgress(releaseId, fence, progress)) ? 'noted' : 'fenced';
  } catch (error) {
    if (decision.verdict !== 'restore') throw error;
    logger.error('state did not take what a look saw before a rollback', { releaseId, error });
    return 'noted';
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
  const about = { release, stageIndex: input.stage, stage, window, settleSeconds, shiftedAt, now };
  const [periods, probed] = await Promise.all([
    readFacts(about, release.snapshot.stableVersion),
    probeService(release),
  ]);
  const probes = release.probes && withLook(state.probes, probed, now, window, stage, state.judge.lastRound);
  const look: Look = { ...about, periods, state: { ...state, ...(probes && { probes }) } };
  const result = judgeLook(lookInput(look));
  const decision = decide(look, result);
  if (look.periods.length === 0 && window.to > window.from)
    metrics.addMetric(METRIC.judgedWithoutData, 'Count', 1);

  const committed = await commit(look, input.fence, lookProgress(look, result, decision), decision);
  // Paused at the very moment the stage passed: this look counts for nothing, the next one sees the pause.
  if (committed === 'paused')
    return { verdict: 'continue', waitSeconds: 1, looks: state.looks, state, reasons: [] };
  await tellLook(telling, look, decision, lookRecords(look, result, decision));
  return {
    verdict: committed === 'fenced' ? 'fenced' : decision.verdict,
    waitSeconds,
    looks: decision.state.looks,
    state: decision.state,
    reasons: [...decision.reasons],
  };
});
