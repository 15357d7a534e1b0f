import { shorten } from '#platform/text.ts';
import { REASON_TEXT_MAX, type Reason } from '#releases/release.ts';
import { stepsOf } from '#releases/step.ts';
import { afterStep, type Judged, type Look, looked } from '#rollout/look.ts';
import type { LookState } from '#rollout/tasks.ts';

export interface Decision {
  readonly verdict: 'continue' | 'promote' | 'restore';
  readonly reasons: readonly Reason[];
  readonly state: LookState;
  /** True at the look at which a hold begins. */
  readonly holdBegins: boolean;
}

export const promoted = (look: Look, result: Judged, reasons: readonly Reason[]): Decision => ({
  verdict: 'promote',
  reasons,
  state: afterStep(looked(look, result), look.step, stepsOf(look.release)),
  holdBegins: false,
});

export const restoreAfter = (reason: Reason, look: Look, result: Judged): Decision => ({
  verdict: 'restore',
  reasons: [reason, ...result.main.reasons],
  state: looked(look, result),
  holdBegins: false,
});

/** A reason that tells of many rounds may be longer than a release keeps. */
export const fitting = <R extends Reason>(reason: R): R => ({
  ...reason,
  text: shorten(reason.text, REASON_TEXT_MAX),
});
