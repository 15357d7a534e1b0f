import { shorten } from '#platform/text.ts';
import type { KillSwitch } from '#policy/kill-switches.ts';
import { stageDeadlineSeconds } from '#policy/plan.ts';
import type { ReadyWave } from '#releases/ready-wave.ts';
import { type Pause, REASON_TEXT_MAX, type Reason, type Release } from '#releases/release.ts';
import { type Step, stepsOf } from '#releases/step.ts';
import { drillNote, factsIn } from '#rollout/drill.ts';
import type { Guards } from '#rollout/guards.ts';
import type { HooksAsked } from '#rollout/hooks.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import type { LookInput, LookResult } from '#rollout/judge/look.ts';
import { initialStageState, nextStageState } from '#rollout/judge/stage-state.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import type { RoutingFound } from '#rollout/moved-traffic.ts';
import {
  cumulativeFacts,
  judgedSeconds,
  roundFacts,
  roundsSettled,
  type Settled,
  settledUntil,
} from '#rollout/stage-clock.ts';
import { addLookProbes, probesOfRound } from '#rollout/stage-probes.ts';
import { settleTail, unsettledOf } from '#rollout/stage-tail.ts';
import type { LookState, WaveState } from '#rollout/tasks.ts';

/** One wave's traffic as a look sees it. */
export interface WaveLook {
  readonly release: Release;
  readonly step: Step;
  readonly wave: ReadyWave;
  /** What the last look left, with this look's probes. */
  readonly state: WaveState;
  readonly periods: readonly PeriodFacts[];
  readonly window: Settled;
  readonly settleSeconds: number;
  /** Epoch milliseconds. */
  readonly shiftedAt: number;
  readonly now: number;
}

/** The wave that the present step is about, and those before it, which have all traffic on the new version. */
export interface Look extends WaveLook {
  readonly state: LookState;
  readonly earlier: readonly WaveLook[];
  readonly guards: Guards;
  /** Those of the present stage. */
  readonly hooks: HooksAsked;
  readonly routing: RoutingFound;
  /** The kill switches that are off in the release's environment. */
  readonly off: readonly KillSwitch[];
}

/** What the judge made of each. */
export interface Judged {
  readonly main: LookResult;
  /** In the order of `earlier`. */
  readonly earlier: readonly LookResult[];
}

/** What a release's very first look starts from. */
export const firstLookState = (): LookState => ({ judge: initialStageState(), looks: 0, earlier: [] });

/**
 * What the next step starts from: within a wave evidence goes on and everything else begins anew. Another wave has
 * other traffic, so that its evidence begins at nothing, and the wave that was left is looked at from behind.
 */
export const afterStep = (
  { judge, unsettled, earlier }: LookState,
  { wave, index }: Step,
  steps: readonly Step[],
): LookState => {
  const behind = earlier.map(waveAfterStep);
  const left = waveAfterStep({ judge, unsettled });
  const next = steps[index + 1];
  return next === undefined || next.wave === wave
    ? { ...left, looks: 0, earlier: behind }
    : { judge: initialStageState(), looks: 0, earlier: [...behind, left] };
};

const waveAfterStep = ({ judge, unsettled }: Pick<WaveState, 'judge' | 'unsettled'>): WaveState => ({
  judge: nextStageState(judge),
  ...(unsettled && { tail: unsettled }),
});

const waveLooked = (look: WaveLook, result: LookResult): WaveState => {
  const { probes } = look.state;
  const tail = tailNow(look);
  const unsettled = unsettledOf(look.periods, look.window, look.now, look.wave.metrics.periodSeconds);
  return {
    judge: result.state,
    ...(probes && { probes }),
    ...(tail && { tail }),
    ...(unsettled && { unsettled }),
  };
};

const tailNow = ({ state, periods, now, wave, settleSeconds }: WaveLook) =>
  state.tail && settleTail(state.tail, periods, settledUntil(now, wave.metrics.periodSeconds, settleSeconds));

/** What this look leaves to the next one of its step. */
const looked = (look: Look, { main, earlier }: Judged): LookState => ({
  ...waveLooked(look, main),
  looks: look.state.looks + 1,
  ...(Object.keys(look.hooks.state).length > 0 && { hooks: look.hooks.state }),
  earlier: look.earlier.flatMap((behind, index) => {
    const result = earlier[index];
    return result === undefined ? [] : [waveLooked(behind, result)];
  }),
});

/**
 * Whether missing data is waited for no longer. A watch has no such moment: what it watches was promoted on data, and it
 * ends by time. Neither has a wave that is only looked at from behind.
 */
const deadlineOf = (look: WaveLook): LookInput['deadline'] => {
  const { release, step, wave, settleSeconds, shiftedAt, now } = look;
  const waits = step.kind !== 'watch' && release.waves[step.wave]?.name === wave.name;
  const deadline = stageDeadlineSeconds(release.plan, step, settleSeconds);
  return waits && (now - shiftedAt) / 1_000 >= deadline ? 'passed' : 'open';
};

/**
 * What settled at once is judged at several looks: each round is a record, and a look's records are one batch of the
 * ledger's, which holds 98, nine earlier waves' included.
 */
const ROUNDS_PER_LOOK_MAX = 50;
const EARLIER_ROUNDS_PER_LOOK_MAX = 5;

/** The judge's input: the same facts, in the form that the offline judge takes too. */
export const lookInput = (look: WaveLook, roundsMax = ROUNDS_PER_LOOK_MAX): LookInput => {
  const { release, step, wave, window, periods, state } = look;
  const { index, weightPercent, rounds, roundSeconds } = step;
  const waiting = Math.max(0, roundsSettled(window, step) - state.judge.lastRound);
  const fresh = Array.from({ length: Math.min(waiting, roundsMax) }, (_, offset) => {
    const number = state.judge.lastRound + offset + 1;
    const facts = roundFacts(periods, window, roundSeconds, number);
    return { number, ...facts, ...addLookProbes(facts, probesOfRound(state.probes, number)) };
  });
  const { history } = wave.snapshot;
  const cumulative = cumulativeFacts(periods, window);
  const before = tailNow(look)?.known;
  const { judge } = release;
  // Each wave is a chance of its own to be wrong: together they have the release's.
  const evidence = { ...judge.evidence, alpha: judge.evidence.alpha / release.waves.length };
  return {
    policy: { ...judge, evidence },
    stage: { index, weightPercent, rounds, roundSeconds, final: weightPercent === 100 },
    facts: factsIn(release, {
      judgedSeconds: judgedSeconds(window),
      cumulative: { ...cumulative, ...addLookProbes(cumulative, state.probes?.stage ?? {}) },
      ...(before && { before }),
      rounds: fresh,
      ...(history && { history }),
    }),
    deadline: deadlineOf(look),
    state: state.judge,
  };
};

/** A look judged, wave by wave. */
export const judge = (look: Look): Judged => ({
  main: judgeLook({
    ...lookInput(look),
    ...(look.guards.alarms.length > 0 && { alarms: [...look.guards.alarms] }),
  }),
  earlier: look.earlier.map((behind) => judgeLook(lookInput(behind, EARLIER_ROUNDS_PER_LOOK_MAX))),
});

export interface Decision {
  readonly verdict: 'continue' | 'promote' | 'restore';
  readonly reasons: readonly Reason[];
  readonly state: LookState;
  /** True at the look at which a hold begins. */
  readonly holdBegins: boolean;
}

/**
 * What the workflow does about the judge's verdict. A rollback is one, whoever wishes what; traffic that somebody else
 * moved is brought back, because what is judged is not what this release did. A hold waits for people,
 * with looks going on, and ends in a restore at its deadline: nothing stays on a canary because nobody came.
 */
export const decide = (look: Look, judged: Judged): Decision => {
  const result: Judged = { ...judged, main: { ...judged.main, reasons: judged.main.reasons.map(fitting) } };
  const breaches = [
    ...look.routing.drift.map(fitting),
    ...look.hooks.failed.map(fitting),
    ...breachesBehind(look, judged),
  ];
  if (breaches.length > 0 || result.main.verdict === 'rollback')
    return {
      verdict: 'restore',
      reasons: [...drillNote(look.release), ...breaches, ...result.main.reasons],
      state: looked(look, result),
      holdBegins: false,
    };
  if (look.release.strategy === 'drill')
    return restoreAfter('drill-unnoticed', 'the drill is over, and its breach was not found', look, result);
  const heard = { ...result, main: unguarded(look, result.main) };
  const decision = wished(look, heard) ?? undisturbed(look, heard);
  return { ...decision, reasons: [...decision.reasons, ...notFound(look)] };
};

/** Without its guards and hooks nothing passes: a look waits for them as for data, and no longer than for data. */
const unguarded = (look: Look, main: LookResult): LookResult => {
  const waits = look.guards.unknown.length > 0 || look.hooks.pending.length > 0;
  if (!waits || main.verdict !== 'promote') return main;
  return { ...main, verdict: deadlineOf(look) === 'passed' ? 'hold' : 'extend' };
};

/** What this look wanted to know and could not find out. */
const notFound = ({ guards, hooks, routing }: Look): readonly Reason[] => [
  ...hooks.pending.map((name) => ({
    code: 'hook-pending',
    text: `hook ${name} has not passed yet`,
    facts: { hook: name },
  })),
  ...(guards.unknown.length === 0
    ? []
    : [
        {
          code: 'guard-unknown',
          text: `the state of guard alarm ${guards.unknown.join(', ')} could not be found out`,
          facts: { alarms: guards.unknown },
        },
      ]),
  ...routing.unread,
];

/** One breach restores every wave, wherever it is. */
const breachesBehind = (look: Look, { earlier }: Judged): readonly Reason[] =>
  earlier.flatMap(({ verdict, reasons }, index) => {
    const name = look.earlier[index]?.wave.name;
    return verdict === 'rollback'
      ? reasons.map((reason) => fitting({ ...reason, text: `wave ${name}: ${reason.text}` }))
      : [];
  });

export const promoted = (look: Look, result: Judged, reasons: readonly Reason[]): Decision => ({
  verdict: 'promote',
  reasons,
  state: afterStep(looked(look, result), look.step, stepsOf(look.release)),
  holdBegins: false,
});

/** A reason that tells of many rounds may be longer than a release keeps. */
const fitting = <R extends Reason>(reason: R): R => ({
  ...reason,
  text: shorten(reason.text, REASON_TEXT_MAX),
});

const restoreAfter = (code: string, text: string, look: Look, result: Judged): Decision => ({
  verdict: 'restore',
  reasons: [{ code, text }, ...result.main.reasons],
  state: looked(look, result),
  holdBegins: false,
});

/**
 * What a person's wish makes of a look that sees nothing wrong. A wished promotion needs data and its guards all the
 * same: nothing is promoted on silence, whoever asks. A pause ends in a restore at its deadline; while it lasts, the
 * clock of a hold stands still.
 */
const wished = (look: Look, result: Judged): Decision | undefined => {
  const { paused, promotionWish, plan } = look.release;
  const isGuarded = look.guards.unknown.length === 0 && look.hooks.pending.length === 0;
  if (promotionWish?.step === look.step.index && result.main.score !== undefined && isGuarded) {
    const text = `promoted by ${promotionWish.by.login}: ${promotionWish.reason}`;
    return promoted(look, result, [{ code: 'operator-promote', text }, ...result.main.reasons]);
  }
  if (paused === undefined) return undefined;
  const pausedSeconds = (look.now - Date.parse(paused.at)) / 1_000;
  if (pausedSeconds >= plan.pauseSeconds)
    return restoreAfter(
      'pause-deadline',
      `paused by ${paused.by.login} since ${paused.at} and not resumed within ${plan.pauseSeconds} s`,
      look,
      result,
    );
  const text = `paused by ${paused.by.login} since ${paused.at}: ${paused.reason}`;
  const reasons = [{ code: 'paused', text }, ...result.main.reasons];
  const state = { ...looked(look, result), ...stoppedClock(look, paused) };
  return { verdict: 'continue', reasons, state, holdBegins: false };
};

/** A hold of which nothing has passed since the pause, or since the last look if that was paused too. */
const stoppedClock = (
  { state: { heldSince }, release, now }: Look,
  { at }: Pause,
): Pick<LookState, 'heldSince'> => {
  if (heldSince === undefined) return {};
  const { lookedAt = at } = release.progress ?? {};
  const stood = now - Math.max(Date.parse(at), Date.parse(lookedAt));
  return { heldSince: new Date(Date.parse(heldSince) + Math.max(0, stood)).toISOString() };
};

/** A watch is over by time, once its last second has settled: what it watches has been promoted on data. */
const watchOver = ({ step, settleSeconds, shiftedAt, now }: Look, { main }: Judged): Reason | undefined => {
  const seconds = step.rounds * step.roundSeconds;
  if (step.kind !== 'watch' || (now - shiftedAt) / 1_000 < seconds + settleSeconds) return undefined;
  const missing = main.reasons.map(({ code }) => code);
  const text = `watched for ${seconds} s without a reason to roll back`;
  return { code: 'watch-over', text, facts: { seconds, missing } };
};

/** The judge's verdict as it is. */
const undisturbed = (look: Look, result: Judged): Decision => {
  const { heldSince } = look.state;
  const { verdict, reasons } = result.main;
  if (verdict === 'promote') return promoted(look, result, reasons);
  const over = watchOver(look, result);
  if (over !== undefined) return promoted(look, result, [over, ...reasons]);
  if (verdict !== 'hold')
    return { verdict: 'continue', reasons, state: looked(look, result), holdBegins: false };
  const since = heldSince ?? new Date(look.now).toISOString();
  const heldSeconds = (look.now - Date.parse(since)) / 1_000;
  const { holdSeconds } = look.release.plan;
  if (heldSeconds >= holdSeconds) {
    const text = `held since ${since} and nobody decided within ${holdSeconds} s`;
    return restoreAfter('hold-deadline', text, look, result);
  }
  const state = { ...looked(look, result), heldSince: since };
  return { verdict: 'continue', reasons, state, holdBegins: heldSince === undefined };
};
