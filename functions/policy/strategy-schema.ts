/**
 * How traffic comes to a new version. `canary`: by the plan's stages. `blue-green`: previewed without traffic, then all
 * at once. `all-at-once`: neither. `experiment`: a share of callers stays with it for as long as an A/B experiment lasts,
 * which mostly ends with all of them back. `rollback`: back to the last good version at once, judged by nobody. `drill`: a
 * little traffic to a version known to be good, found to fail on purpose, to see that it comes back.
 */
export const STRATEGIES = ['canary', 'blue-green', 'all-at-once', 'experiment', 'rollback', 'drill'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Those that a request may name; the others have doors of their own. */
export const REQUESTED_STRATEGIES = [
  'canary',
  'blue-green',
  'all-at-once',
  'experiment',
] as const satisfies readonly Strategy[];
