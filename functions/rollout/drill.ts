import type { Reason, Release } from '#releases/release.ts';
import type { LookFacts } from '#rollout/judge/look.ts';

/** Enough requests for the judge to be sure at once, whatever the service's limits. */
const CANARY_REQUESTS = 1_000;
const BASELINE_REQUESTS = 10_000;

/**
 * What the judge is shown in a drill instead of what was measured: every request to the canary failed. Everything from
 * there on is what it would be: the rules that find it, the records, the restore.
 */
export const factsIn = ({ strategy }: Pick<Release, 'strategy'>, measured: LookFacts): LookFacts =>
  strategy === 'drill'
    ? {
        judgedSeconds: measured.judgedSeconds,
        cumulative: {
          canary: { requests: CANARY_REQUESTS, errors: CANARY_REQUESTS },
          baseline: { requests: BASELINE_REQUESTS, errors: 0 },
        },
        rounds: [],
      }
    : measured;

/** Nobody who reads the numbers of a drill may take them for what happened. */
export const drillNote = ({ strategy }: Pick<Release, 'strategy'>): readonly Reason[] =>
  strategy === 'drill'
    ? [{ code: 'drill', text: 'a drill: the counts are made up so that every canary request failed' }]
    : [];
