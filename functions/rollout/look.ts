import type { KillSwitch } from '#policy/kill-switches.ts';
import type { Freeze } from '#releases/freeze.ts';
import type { ReadyWave } from '#releases/ready-wave.ts';
import type { Release } from '#releases/release.ts';
import { type Step, stepDeadlineSeconds } from '#releases/step.ts';
import { countRounds, factsOfStep } from '#rollout/counted-facts.ts';
import { factsIn } from '#rollout/drill.ts';
import { experimentOf, experimentResult, policyOfStep } from '#rollout/experiment-look.ts';
import type { Guards } from '#rollout/guards.ts';
import type { HooksAsked } from '#rollout/hooks.ts';
import type { ExperimentResult } from '#rollout/judge/experiment.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import type { LookInput, LookResult } from '#rollout/judge/look.ts';
import { initialStageState, nextStageState } from '#rollout/judge/stage-state.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import type { RoutingFound } from '#rollout/moved-traffic.ts';
import {
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
  /** In force in the release's environment; only looked for where it keeps a version from being promoted. */
  readonly freeze?: Freeze | undefined;
}

/** What the judge made of each. */
export interface Judged {
  readonly main: LookResult;
  /** In the order of `earlier`. */
  readonly earlier: readonly LookResult[];
  /** Of an experiment's step. */
  readonly experiment?: ExperimentResult;
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
  const { periods, window, now, step } = look;
  const unsettled = unsettledOf(periods, window, now, look.wave.metrics.periodSeconds, look.state.counted);
  const counted = countRounds(step, periods, window, look.state.counted, result.state.lastRound);
  return {
    judge: result.state,
    ...(probes && { probes }),
    ...(tail && { tail }),
    ...(unsettled && { unsettled }),
    ...(counted && { counted }),
    ...heard(look, result),
  };
};

const heard = ({ step, state, now }: WaveLook, { rounds }: LookResult): Pick<WaveState, 'heardAt'> => {
  if (step.kind !== 'experiment') return {};
  const isHeard = rounds.some(({ status }) => status !== 'inconclusive');
  const heardAt = isHeard ? new Date(now).toISOString() : state.heardAt;
  return heardAt === undefined ? {} : { heardAt };
};

const tailNow = ({ state, periods, now, wave, settleSeconds }: WaveLook) =>
  state.tail && settleTail(state.tail, periods, settledUntil(now, wave.metrics.periodSeconds, settleSeconds));

/** What this look leaves to the next one of its step. */
export const looked = (look: Look, { main, earlier, experiment }: Judged): LookState => ({
  ...waveLooked(look, main),
  ...(experiment && concluded(look, experiment)),
  looks: look.state.looks + 1,
  ...(Object.keys(look.hooks.state).length > 0 && { hooks: look.hooks.state }),
  earlier: look.earlier.flatMap((behind, index) => {
    const result = earlier[index];
    return result === undefined ? [] : [waveLooked(behind, result)];
  }),
});

/** A concluded experiment stays so: what is seen after its end is no part of it. */
const concluded = ({ state, now }: Look, result: ExperimentResult): Pick<LookState, 'experiment'> =>
  result.verdict === 'concluded'
    ? { experiment: state.experiment ?? { result, at: new Date(now).toISOString() } }
    : {};

/** Whether nothing was known of an experiment's version for as long as its settings bear. */
const isSilent = (look: WaveLook, silenceSeconds: number): boolean => {
  const { state, shiftedAt, now, settleSeconds, step } = look;
  const heardAt = state.heardAt === undefined ? shiftedAt : Date.parse(state.heardAt);
  return (now - heardAt) / 1_000 >= silenceSeconds + step.roundSeconds + settleSeconds;
};

/**
 * Whether missing data is waited for no longer. A watch has no such moment: what it watches was promoted on data, and it
 * ends by time. Neither has a wave that is only looked at from behind.
 */
export const deadlineOf = (look: WaveLook): LookInput['deadline'] => {
  const { release, step, wave, settleSeconds, shiftedAt, now } = look;
  const experiment = experimentOf(look);
  if (experiment !== undefined) return isSilent(look, experiment.silenceSeconds) ? 'passed' : 'open';
  const waits = step.kind !== 'watch' && release.waves[step.wave]?.name === wave.name;
  const deadline = stepDeadlineSeconds(release.plan, step, settleSeconds);
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
  const cumulative = factsOfStep(periods, window, state.counted);
  const before = tailNow(look)?.known;
  const { judge } = release;
  // Each wave is a chance of its own to be wrong: together they have the release's.
  const evidence = { ...judge.evidence, alpha: judge.evidence.alpha / release.waves.length };
  return {
    policy: policyOfStep({ ...judge, evidence }, step),
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
export const judge = (look: Look): Judged => {
  const experiment = experimentResult(look, look.state.experiment?.result);
  return {
    main: judgeLook({
      ...lookInput(look),
      ...(look.guards.alarms.length > 0 && { alarms: [...look.guards.alarms] }),
    }),
    earlier: look.earlier.map((behind) => judgeLook(lookInput(behind, EARLIER_ROUNDS_PER_LOOK_MAX))),
    ...(experiment && { experiment }),
  };
};
