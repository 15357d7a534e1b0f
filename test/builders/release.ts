import type { Actor } from '#platform/actor.ts';
import { type ReleaseId, releaseIdSchema } from '#platform/ids.ts';
import { type Plan, planSchema } from '#policy/plan.ts';
import type { LambdaAliasTarget } from '#policy/target.ts';
import type { Progress, Release, Snapshot, Wave } from '#releases/release.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';

export const NOW = '2026-03-01T12:00:00.000Z';
export const NOW_MS = Date.parse(NOW);

/** The stable version of every built release; the version to be released is `CANARY`. */
export const STABLE = '1';
export const CANARY = '2';
/** What a later release brings. */
export const NEXT = '3';

export const checkoutTarget: LambdaAliasTarget = {
  kind: 'lambda-alias',
  functionName: 'checkout',
  alias: 'live',
};

export const ann: Actor = { login: 'ann', kind: 'user', authenticated: true, via: 'api' };
export const bob: Actor = { login: 'bob', kind: 'user', authenticated: true, via: 'api' };

/** The nth release id: ids sort as their numbers do. */
export const releaseIdOf = (number: number): ReleaseId =>
  releaseIdSchema.parse(`rel_${number.toString().padStart(26, '0')}`);

/** Stages of these weights, each one round of ten seconds. */
export const planWith = (...weights: readonly number[]): Plan =>
  planSchema.parse({
    name: 'test',
    watchSeconds: 0,
    stages: weights.map((weightPercent) => ({ weightPercent, rounds: 1, roundSeconds: 10 })),
  });

export const aSnapshot = (overrides: Partial<Snapshot> = {}): Snapshot => ({
  stableVersion: STABLE,
  timeoutSeconds: 3,
  takenAt: NOW,
  ...overrides,
});

/** Where a release of one wave stands at a step of its plan. */
export const progressAt = (step: number, weightPercent: number, steps = 2): Progress => ({
  step,
  steps,
  kind: 'stage',
  wave: 0,
  stage: step,
  stages: steps,
  weightPercent,
});

/** Checkout's own target as the first wave. */
export const aWave = (overrides: Partial<Wave> = {}): Wave => ({
  name: 'first',
  target: checkoutTarget,
  version: CANARY,
  metrics: {
    source: 'cloudwatch',
    invokedBy: 'event',
    periodSeconds: 10,
    settleSeconds: 0,
    slowerThan: { from: 'trimmed-count' },
  },
  bakeSeconds: 0,
  ...overrides,
});

/** A release of checkout to production as it is right after it was asked for. */
export const aRelease = (overrides: Partial<Release> = {}): Release => ({
  releaseId: releaseIdOf(1),
  service: 'checkout',
  environment: 'production',
  version: CANARY,
  strategy: 'canary',
  requestedBy: ann,
  requestedAt: NOW,
  request: {
    service: 'checkout',
    environment: 'production',
    version: CANARY,
    strategy: 'canary',
    ...overrides.request,
  },
  waves: [aWave({ version: overrides.version ?? CANARY })],
  plan: planWith(50, 100),
  judge: judgePolicySchema.parse({}),
  attempt: 1,
  mode: 'forward',
  fence: 1,
  recoveries: 0,
  ...overrides,
});
