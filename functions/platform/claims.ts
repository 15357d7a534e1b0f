import type { Caller } from '#platform/actor.ts';
import { UnauthenticatedError } from '#platform/errors.ts';
import { ROLES, type Role } from '#platform/route.ts';

const GROUP_PREFIX = 'sluice:';

/**
 * The groups claim as an HTTP API hands it over: a list flattened to `[a b]`, one bare name, or absent. A group's name
 * has no white space, so splitting on that is exact; it may have commas and quotes, so splitting on those would make
 * two names, one of them perhaps a role's, of a single group's.
 */
export const groupsOf = (claim: unknown): readonly string[] => {
  if (Array.isArray(claim)) return claim.filter((group): group is string => typeof group === 'string');
  if (typeof claim !== 'string') return [];
  const inner = claim.startsWith('[') && claim.endsWith(']') ? claim.slice(1, -1) : claim;
  return inner.split(/\s+/).filter((group) => group !== '');
};

/** `sluice:operator` → `operator`; anything else is no role of ours. */
export const rolesOf = (groups: readonly string[]): Role[] =>
  ROLES.filter((role) => groups.includes(`${GROUP_PREFIX}${role}`));

/**
 * The caller behind the authorizer's verified claims. Only access tokens count: an id token is made for showing a
 * name, lives elsewhere, and leaks more easily.
 * @throws UnauthenticatedError when the claims are absent or not those of an access token.
 */
export const callerOf = (claims: Readonly<Record<string, unknown>> | undefined): Caller => {
  if (claims === undefined) throw new UnauthenticatedError('sign in: the request carries no verified token');
  if (claims.token_use !== 'access')
    throw new UnauthenticatedError('sign in: an access token is needed, this is another kind');
  const login = claims.username ?? claims.client_id;
  if (typeof login !== 'string' || login === '')
    throw new UnauthenticatedError('sign in: the token names nobody');
  const kind = typeof claims.username === 'string' ? 'user' : 'pipeline';
  return {
    actor: { login, kind, authenticated: true, via: 'api' },
    roles: rolesOf(groupsOf(claims['cognito:groups'])),
  };
};
