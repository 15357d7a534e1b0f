import { describe, expect, it } from 'vitest';
import { callerOf, groupsOf, rolesOf } from '#platform/claims.ts';
import { UnauthenticatedError } from '#platform/errors.ts';

describe('the groups of a token', () => {
  it.each([
    ['[sluice:viewer sluice:operator]', ['sluice:viewer', 'sluice:operator']],
    ['[sluice:viewer]', ['sluice:viewer']],
    ['sluice:viewer', ['sluice:viewer']],
    ['[]', []],
    ['', []],
    [undefined, []],
    [7, []],
    [['sluice:viewer', 7], ['sluice:viewer']],
  ])('%j are %j', (claim, groups) => {
    expect(groupsOf(claim)).toEqual(groups);
  });

  it.each([
    '[team,sluice:admin]',
    '["sluice:admin"]',
    '["team","sluice:admin"]',
    '[xsluice:admin sluice:admins]',
  ])('give no role by a name that only contains one: %s', (claim) => {
    expect(rolesOf(groupsOf(claim))).toEqual([]);
  });
});

describe('the caller', () => {
  const claims = { token_use: 'access', username: 'ann', 'cognito:groups': '[sluice:operator]' };

  it('is who the access token says', () => {
    expect(callerOf(claims)).toEqual({
      actor: { login: 'ann', kind: 'user', authenticated: true, via: 'api' },
      roles: ['operator'],
    });
  });

  it.each([
    ['no token', undefined],
    ['an id token', { ...claims, token_use: 'id' }],
    ['a token of unknown use', { username: 'ann' }],
    ['a token that names nobody', { token_use: 'access' }],
    ['a token that names nothing', { token_use: 'access', username: '' }],
  ])('is nobody with %s', (_, given) => {
    expect(() => callerOf(given)).toThrow(UnauthenticatedError);
  });
});
