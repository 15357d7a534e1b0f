import type { Caller } from '../../functions/platform/actor.ts';
import { callerOf } from '../../functions/platform/claims.ts';
import { Failure } from '../failure.ts';

export interface Person {
  readonly login: string;
  readonly roles: Caller['roles'];
}

/** Who a token says one is. Read, not verified: the API does that; this is for telling people. */
export const personOf = (token: string): Person => {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const { actor, roles } = callerOf(claims);
    return { login: actor.login, roles };
  } catch {
    throw new Failure(3, 'this is no access token of Sluice: run sluice login');
  }
};
