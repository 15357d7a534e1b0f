import * as z from 'zod';
import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import { cloudWatch, queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { NotFoundError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { METRIC } from '#platform/metric-names.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { killSwitches } from '#policy/adapters/policy-ports.ts';
import { switchesEnvironment } from '#policy/environment.ts';
import { type KillSwitch, switchesOff } from '#policy/kill-switches.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { freezeAt } from '#releases/freeze.ts';
import { lookIntervalSeconds } from '#releases/look-interval.ts';
import { type ReadyWave, readyWaves } from '#releases/ready-wave.ts';
import type { Progress, Release } from '#releases/release.ts';
import { type Step, stepBehind, stepsOf } from '#releases/step.ts';
import { cloudWatchAlarms } from '#rollout/adapters/cloudwatch-alarms.ts';
import { httpProbes } from '#rollout/adapters/http-probes.ts';
import { hookPort, metricSource } from '#rollout/adapters/rollout-ports.ts';
import { shifterForTarget } from '#rollout/adapters/shifter-for.ts';
import type { TellingPorts } from '#rollout/append-or-spool.ts';
import { knownWindow, uncounted, windowOfLook } from '#rollout/counted-facts.ts';
import { decide } from '#rollout/decide-look.ts';
import type { Decision } from '#rollout/decision.ts';
import {
  hookEnvironment,
  metricEnvironment,
  probeEnvironment,
  restoreEnvironment,
} from '#rollout/environment.ts';
import { isForward } from '#rollout/fence.ts';
import { type Guards, NO_GUARDS, readGuards } from '#rollout/guards.ts';
import { askHooks, NO_HOOKS } from '#rollout/hooks.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { firstLookState, judge, type Look, type WaveLook } from '#rollout/look.ts';
import { lookRecords } from '#rollout/look-records.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { checkRouting } from '#rollout/moved-traffic.ts';
import { settledWindow, settleSecondsOf } from '#rollout/stage-clock.ts';
import { type LookProbes, withLook } from '#rollout/stage-probes.ts';
import { withTail } from '#rollout/stage-tail.ts';
import { judgedRelease, shownProgress, underSwitches } from '#rollout/switched-look.ts';
import { type LookState, rolloutTasks, type WaveState } from '#rollout/tasks.ts';
import { tellLook } from '#rollout/tell-look.ts';

const environment = readEnvironment({
  ...restoreEnvironment,
  ...metricEnvironment,
  ...probeEnvironment,
  ...hookEnvironment,
  ...switchesEnvironment,
  LOOK_INTERVAL_SECONDS: z.coerce.number().int().min(1),
});
const { releases, ledger } = releasePorts(environment);
const telling: TellingPorts = {
  ledger,
  spool: queueLedgerSpool(queues(), environment.LATE_RECORDS_QUEUE_URL),
  onTrouble: (what, error) => logger.error(what, { error }),
};
const switches = killSwitches(environment);
const source = metricSource(environment);
const hooks = hookPort(environment);
const alarms = cloudWatchAlarms(cloudWatch());
const probe = httpProbes({ hosts: environment.PROBE_HOSTS, reach: environment.OUTBOUND_REACH });

type Facts = Omit<WaveLook, 'periods' | 'state'>;

/**
 * A source that doesn't answer, or isn't to be asked, is missing data: undefined. That extends the stage and at its deadline
 * holds or restores.
 */
const readFacts = async ({ release, wave, window }: Facts): Promise<readonly PeriodFacts[] | undefined> => {
  if (release.judge.measures === 'probes-only') return undefined;
  const { target, version, metrics: definition, snapshot } = wave;
  try {
    const { stableVersion: baseline, places } = snapshot;
    const arms = { target, canary: version, baseline, places };
    return await source.read(definition, arms, window.from, window.to);
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    logger.warn('metrics unavailable', { releaseId: release.releaseId, wave: wave.name, error });
    return undefined;
  }
};

/** What the wave answers now; nothing where it declares no probes. */
const probeWave = async ({ releaseId }: Release, { name, probes }: ReadyWave): Promise<LookProbes> => {
  if (probes === undefined) return {};
  const { counts, troubles } = await probe(probes);
  if (troubles.length > 0) logger.warn('probes without success', { releaseId, wave: name, troubles });
  return counts;
};

/** An experiment reads only what is new: a few minutes without callers are no lack of data while its last round had some. */
const isQuiet = ({ kind }: Step, { judge: { lastStatus } }: WaveState): boolean =>
  kind === 'experiment' && lastStatus !== undefined && lastStatus !== 'inconclusive';

/** One wave's traffic, as it can be seen now. */
const observe = async (
  about: Pick<WaveLook, 'release' | 'step' | 'wave' | 'shiftedAt' | 'now'>,
  state: WaveState,
): Promise<WaveLook> => {
  const { release, step, wave, shiftedAt, now } = about;
  const settleSeconds = settleSecondsOf(wave.metrics, wave.snapshot);
  const settled = settledWindow(shiftedAt, now, wave.metrics.periodSeconds, settleSeconds);
  const ofLook = windowOfLook(step, settled, state.counted);
  const unread = uncounted(ofLook, state.counted);
  const facts = { ...about, settleSeconds, window: withTail(unread, state.tail) };
  const [read, probed] = await Promise.all([readFacts(facts), probeWave(release, wave)]);
  const periods = read ?? [];
  const window = knownWindow(step, ofLook, state.counted, read !== undefined);
  if (
    periods.length === 0 &&
    unread.to > unread.from &&
    !isQuiet(step, state) &&
    release.judge.measures !== 'probes-only'
  )
    metrics.addMetric(METRIC.judgedWithoutData, 'Count', 1);
  const probes = wave.probes && withLook(state.probes, probed, now, window, step, state.judge.lastRound);
  return { ...facts, window, periods, state: { ...state, ...(probes && { probes }) } };
};

/** A guard that nobody hears is missing data: no step passes until it is heard. */
const hearGuards = async (release: Release): Promise<Guards> => {
  const { releaseId } = release;
  const guards = await readGuards(alarms, release, (error) =>
    logger.warn('guard alarms unavailable', { releaseId, error }),
  );
  if (guards.unknown.length > 0) metrics.addMetric(METRIC.judgedWithoutData, 'Count', 1);
  return guards;
};

/** The hooks of a stage are asked at its looks, so that traffic is judged while they are waited for. */
const hearHooks = (release: Release, step: Step, wave: ReadyWave | undefined, state: LookState) =>
  step.kind === 'stage' && wave !== undefined
    ? askHooks(hooks, release, wave, { stage: step.stage + 1 }, state.hooks ?? {}, new Date().toISOString())
    : NO_HOOKS;

/** A version that wins an experiment by itself, weeks after anybody asked, does not get all traffic in a freeze. */
const freezeAgainst = async ({ environment, plan }: Release, { kind }: Step, now: number) =>
  kind === 'experiment' && plan.experiment?.settings.onSuccess === 'promote'
    ? freezeAt(await releases.readEnvironment(environment), new Date(now).toISOString())
    : undefined;

/** The step's own wave, and those before it from behind: at 100 % for as long as the release lasts. */
const lookAt = async (
  release: Release,
  step: Step,
  waves: readonly ReadyWave[],
  state: LookState,
  shiftedAt: number,
  off: readonly KillSwitch[],
): Promise<Look> => {
  const now = Date.now();
  const observing = Promise.all(
    waves.map((wave, index) =>
      index === step.wave
        ? observe({ release, step, wave, shiftedAt, now }, state)
        : observe(
            { release, step: stepBehind(step), wave, shiftedAt, now },
            state.earlier[index] ?? { judge: initialStageState() },
          ),
    ),
  );
  const [observed, guards, asked, routing, freeze] = await Promise.all([
    observing,
    off.includes('rollbackAutomation') ? NO_GUARDS : hearGuards(release),
    hearHooks(release, step, waves.at(-1), state),
    checkRouting(shifterForTarget, release, step, waves),
    freezeAgainst(release, step, now),
  ]);
  const main = observed.at(-1);
  if (main === undefined) throw new NotFoundError(`release ${release.releaseId} has no wave ${step.wave}`);
  return {
    ...main,
    state: { ...state, ...main.state },
    earlier: observed.slice(0, -1),
    guards,
    hooks: asked,
    routing,
    off,
    freeze,
  };
};

/**
 * Notes on the release what this look makes of it, and is told whether it still may: a step passes only if the same
 * write finds it neither stopped nor paused. A restore asks nobody.
 */
const commit = async (look: Look, fence: number, progress: Progress, decision: Decision) => {
  const { releaseId } = look.release;
  try {
    if (decision.verdict === 'promote') return await releases.passStep(releaseId, fence, progress);
    return (await releases.noteProgress(releaseId, fence, progress)) ? 'noted' : 'fenced';
  } catch (error) {
    if (decision.verdict !== 'restore') throw error;
    logger.error('state did not take what a look saw before a rollback', { releaseId, error });
    return 'noted';
  }
};

/** A restore raises the fence before it moves traffic: what it moved is not somebody else's doing. */
const wasStopped = async (releaseId: ReleaseId, fence: number): Promise<boolean> =>
  !isForward(await releases.readFence(releaseId), fence);

export const handler = serveTask(rolloutTasks.JudgeHealth)(async (input) => {
  const release = await releases.get(input.releaseId);
  const step = release && stepsOf(release)[input.step];
  const waves = release && step && readyWaves(release)?.slice(0, step.wave + 1);
  if (release === undefined || step === undefined || waves === undefined)
    throw new NotFoundError(`release ${input.releaseId} has no snapshot or no step ${input.step}`);
  const state = input.state ?? firstLookState();
  const shiftedAt = Date.parse(input.shiftedAt);
  const sinceSeconds = (Date.now() - shiftedAt) / 1_000;
  const waitSeconds = lookIntervalSeconds(release, step, environment.LOOK_INTERVAL_SECONDS, sinceSeconds);
  if (!isForward(release, input.fence))
    return { verdict: 'fenced', waitSeconds, looks: state.looks, state, reasons: [] };

  const { states, from } = await switches.read();
  const off = switchesOff(states, release.environment);
  const look = await lookAt(judgedRelease(release, off), step, waves, state, shiftedAt, off);
  if (look.routing.drift.length > 0 && (await wasStopped(input.releaseId, input.fence)))
    return { verdict: 'fenced', waitSeconds, looks: state.looks, state, reasons: [] };
  const judged = judge(look);
  const decision = underSwitches(look, judged, decide(look, judged), from);
  const committed = await commit(look, input.fence, shownProgress(look, judged, decision), decision);
  if (decision.state.unrestoredSince !== undefined) metrics.addMetric(METRIC.rollbackHeld, 'Count', 1);
  // Paused at the very moment the step passed: this look counts for nothing, the next one sees the pause.
  if (committed === 'paused')
    return { verdict: 'continue', waitSeconds: 1, looks: state.looks, state, reasons: [] };
  await tellLook(telling, look, decision, lookRecords(look, judged, decision));
  return {
    verdict: committed === 'fenced' ? 'fenced' : decision.verdict,
    waitSeconds,
    looks: decision.state.looks,
    state: decision.state,
    reasons: [...decision.reasons],
  };
});
