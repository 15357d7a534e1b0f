import type { Stage } from '#policy/plan.ts';
import type { Release } from '#releases/release.ts';
import type { Step } from '#releases/step.ts';
import { NO_GUARDS } from '#rollout/guards.ts';
import { NO_HOOKS } from '#rollout/hooks.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import { firstLookState, type Judged, type Look } from '#rollout/look.ts';
import { aRelease, aSnapshot, aWave, NOW_MS } from './release.ts';

/** The first step of a release, at this stage of its plan. */
export const aStep = (stage: Stage, overrides: Partial<Step> = {}): Step => ({
  index: 0,
  kind: 'stage',
  wave: 0,
  stage: 0,
  ...stage,
  ...overrides,
});

/** A look at the first step of a release, before anything was seen. */
export const aLookAt = (
  stage: Stage,
  release: Partial<Release> = {},
  overrides: Partial<Look> = {},
): Look => ({
  release: aRelease({ snapshots: [aSnapshot()], ...release }),
  step: aStep(stage),
  wave: { ...aWave(), snapshot: aSnapshot() },
  state: firstLookState(),
  earlier: [],
  guards: NO_GUARDS,
  hooks: NO_HOOKS,
  routing: { drift: [], unread: [] },
  off: [],
  periods: [],
  window: { from: NOW_MS, to: NOW_MS },
  settleSeconds: 0,
  shiftedAt: NOW_MS,
  now: NOW_MS,
  ...overrides,
});

/** What the judge made of a release's only wave. */
export const alone = (main: LookResult): Judged => ({ main, earlier: [] });
