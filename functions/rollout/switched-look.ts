import type { KillSwitch } from '#policy/kill-switches.ts';
import { switchReason } from '#policy/switch-effects.ts';
import type { SwitchReading } from '#policy/switch-readings.ts';
import type { Progress, Reason, Release } from '#releases/release.ts';
import { progressAt, stepsOf } from '#releases/step.ts';
import { type Decision, promoted } from '#rollout/decision.ts';
import type { Judged, Look } from '#rollout/look.ts';
import { lookProgress } from '#rollout/look-records.ts';

/** The release as it is judged: with `canaryMetrics` off, by its probes alone. A drill makes its counts up. */
export const judgedRelease = (release: Release, off: readonly KillSwitch[]): Release =>
  off.includes('canaryMetrics') && release.strategy !== 'drill'
    ? { ...release, judge: { ...release.judge, measures: 'probes-only' } }
    : release;

/**
 * With `autoRollback` off nothing is restored by itself, whatever asks for it: a breach, or a hold or a pause that nobody
 * ended in time. A drill is restored all the same: its operator asked for nothing else. Looks go on, so that it is restored at the first one that finds the switch on again; people can abort.
 */
const held = (look: Look, { reasons, state }: Decision): Decision => {
  const { heldSince, unrestoredSince } = look.state;
  return {
    verdict: 'continue',
    reasons: [switchReason('autoRollback'), ...reasons],
    state: {
      ...state,
      ...(heldSince !== undefined && { heldSince }),
      unrestoredSince: unrestoredSince ?? new Date(look.now).toISOString(),
    },
    holdBegins: unrestoredSince === undefined,
  };
};

/**
 * Whether `prodValidation` off lets the step pass: the last stage, after earlier ones that were judged, unless people
 * paused it, or a guard or a hook is waited for. Nothing is promoted without any data (INV-8), so a plan that has no
 * other stage keeps its last.
 */
const skipsValidation = ({ off, step, release, guards, hooks }: Look): boolean =>
  off.includes('prodValidation') &&
  step.kind === 'stage' &&
  step.weightPercent === 100 &&
  step.stage > 0 &&
  release.paused === undefined &&
  guards.unknown.length === 0 &&
  hooks.pending.length === 0;

const ruled = (look: Look, judged: Judged, decision: Decision): Decision => {
  switch (decision.verdict) {
    case 'restore':
      return look.off.includes('autoRollback') && look.release.strategy !== 'drill'
        ? held(look, decision)
        : decision;
    case 'continue':
      return skipsValidation(look)
        ? promoted(look, judged, [switchReason('prodValidation'), ...decision.reasons])
        : decision;
    case 'promote':
      return decision;
  }
};

const UNREAD: Readonly<Record<SwitchReading['from'], readonly Reason[]>> = {
  read: [],
  'last-known': [
    {
      code: 'switches-unread',
      text: 'the kill switches could not be read; they are taken as they were last',
    },
  ],
  'built-in': [
    {
      code: 'switches-unread',
      text: 'the kill switches could not be read yet; all of them are taken for on',
    },
  ],
};

/** What the switches make of a look's decision; its reasons say which of them had a part in it. */
export const underSwitches = (
  look: Look,
  judged: Judged,
  decision: Decision,
  from: SwitchReading['from'],
): Decision => {
  const result = ruled(look, judged, decision);
  const byProbes = look.off.includes('canaryMetrics') ? [switchReason('canaryMetrics')] : [];
  const isUnguarded = look.off.includes('rollbackAutomation') && look.release.guardAlarms !== undefined;
  const unguarded = isUnguarded ? [switchReason('rollbackAutomation')] : [];
  return { ...result, reasons: [...result.reasons, ...byProbes, ...unguarded, ...UNREAD[from]] };
};

/** What people are shown of a look: with `canaryMonitoring` off, where the release is and when it was looked at. */
export const shownProgress = (look: Look, judged: Judged, decision: Decision): Progress => {
  const progress = lookProgress(look, judged, decision);
  if (look.off.includes('canaryMonitoring'))
    return { ...progressAt(look.release, stepsOf(look.release), look.step), lookedAt: progress.lookedAt };
  return decision.state.unrestoredSince === undefined ? progress : { ...progress, verdict: 'hold' };
};
