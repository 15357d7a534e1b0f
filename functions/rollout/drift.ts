import type { Left } from '#releases/standing.ts';
import type { Deployment } from '#rollout/deployment.ts';
import { describeRouting, isAlone } from '#rollout/routing.ts';
import type { Routing } from '#rollout/traffic-shifter.ts';

/** What a target is held to, and who says so. */
export type Expected =
  | { readonly by: 'release'; readonly version: string; readonly left: Left }
  | { readonly by: 'first-seen'; readonly version: string; readonly at: string };

/** What runs, compared with what should. `unheld`: nothing says what should, and one version has all traffic. */
export type Compared =
  | { readonly kind: 'as-left'; readonly expected: Expected }
  | { readonly kind: 'unheld'; readonly version: string }
  | { readonly kind: 'drifted'; readonly expected: Expected | undefined; readonly found: string };

/** In words, for a target that isn't there. */
export const GONE = 'nowhere: the target is gone';

/** The last release that says what it left; before any, what ran when it was first seen. */
export const expectedOf = (
  left: Left | undefined,
  firstSeen: Deployment['firstSeen'],
): Expected | undefined => {
  if (left !== undefined) return { by: 'release', version: left.version, left };
  return firstSeen && { by: 'first-seen', ...firstSeen };
};

/**
 * @param routing undefined when the target is gone. Weights that nobody's release has any more are a drift too, whatever
 * has the rest of the traffic.
 */
export const compare = (expected: Expected | undefined, routing: Routing | undefined): Compared => {
  if (routing === undefined) return { kind: 'drifted', expected, found: GONE };
  if (expected === undefined)
    return isAlone(routing, routing.primary)
      ? { kind: 'unheld', version: routing.primary }
      : { kind: 'drifted', expected, found: describeRouting(routing) };
  return isAlone(routing, expected.version)
    ? { kind: 'as-left', expected }
    : { kind: 'drifted', expected, found: describeRouting(routing) };
};

/** Who says what should run, for people. */
export const describeExpected = (expected: Expected | undefined): string => {
  if (expected === undefined) return 'one version with all traffic';
  switch (expected.by) {
    case 'release': {
      const { version, left } = expected;
      return `version ${version}, which release ${left.releaseId} (${left.outcome}, asked for by ${left.requestedBy}) left on ${left.concludedAt}`;
    }
    case 'first-seen':
      return `version ${expected.version}, which ran when Sluice first saw it on ${expected.at}`;
  }
};
