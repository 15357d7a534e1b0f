import type { Pause, Reason } from '#releases/release.ts';
import { decideExperiment } from '#rollout/decide-experiment.ts';
import { type Decision, fitting, promoted, restoreAfter } from '#rollout/decision.ts';
import { drillNote } from '#rollout/drill.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import { deadlineOf, type Judged, type Look, looked } from '#rollout/look.ts';
import type { LookState } from '#rollout/tasks.ts';

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
    return restoreAfter(
      { code: 'drill-unnoticed', text: 'the drill is over, and its breach was not found' },
      look,
      result,
    );
  const heard = { ...result, main: unguarded(look, result.main) };
  const decision = wished(look, heard) ?? unwished(look, heard);
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
      {
        code: 'pause-deadline',
        text: `paused by ${paused.by.login} since ${paused.at} and not resumed within ${plan.pauseSeconds} s`,
      },
      look,
      result,
    );
  const text = `paused by ${paused.by.login} since ${paused.at}: ${paused.reason}`;
  const reasons = [{ code: 'paused', text }, ...result.main.reasons];
  const state = { ...looked(look, result), ...stoppedClock(look, paused) };
  return { verdict: 'continue', reasons, state, holdBegins: false };
};

/** An experiment goes by its question, unless so little is known of its version's health that it is held. */
const unwished = (look: Look, result: Judged): Decision => {
  const { experiment, main } = result;
  const isHeld = experiment?.verdict === 'running' && main.verdict === 'hold';
  return experiment === undefined || isHeld
    ? undisturbed(look, result)
    : decideExperiment(look, result, experiment);
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
    return restoreAfter({ code: 'hold-deadline', text }, look, result);
  }
  const state = { ...looked(look, result), heldSince: since };
  return { verdict: 'continue', reasons, state, holdBegins: heldSince === undefined };
};
