import { describe, expect, it } from 'vitest';
import {
  ConflictError,
  InvalidRequestError,
  LedgerIntegrityError,
  NotFoundError,
  PolicyDeniedError,
  TransientError,
  UnauthenticatedError,
} from '#platform/errors.ts';
import { problemOf, problemSchema } from '#platform/problem.ts';

describe('what a caller is told of an error', () => {
  it.each([
    [InvalidRequestError, 400, 'invalid-request'],
    [UnauthenticatedError, 401, 'unauthenticated'],
    [PolicyDeniedError, 403, 'policy-denied'],
    [NotFoundError, 404, 'not-found'],
    [ConflictError, 409, 'conflict'],
    [TransientError, 503, 'transient'],
    [LedgerIntegrityError, 500, 'ledger-integrity'],
  ])('%o is %s, by a type that does not change', (ErrorClass, status, code) => {
    const problem = problemOf(new ErrorClass('what to do about it'), 'r-1');
    expect(problem).toMatchObject({
      status,
      type: `urn:sluice:problem:${code}`,
      detail: 'what to do about it',
      instance: 'urn:sluice:request:r-1',
    });
    expect(problemSchema.safeParse(problem).error).toBeUndefined();
    expect(problem).not.toHaveProperty('faults');
  });

  it('names the fields that are wrong', () => {
    const faults = [{ path: 'environment', message: 'must be one of: staging' }];
    expect(problemOf(new InvalidRequestError('no', { faults }), 'r-1').faults).toEqual(faults);
  });

  it.each([
    ['a foreign error', new Error('arn:aws:iam::1:role/secret may not')],
    [
      'an error that only looks like ours',
      Object.assign(new Error('secret'), { code: 'conflict', faults: [] }),
    ],
    ['thrown text', 'secret'],
    ['nothing', undefined],
  ])('%s is internal and says nothing of itself', (_what, error) => {
    const problem = problemOf(error, 'r-1');
    expect(problem).toMatchObject({ status: 500, type: 'urn:sluice:problem:internal' });
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(problem.instance).toBe('urn:sluice:request:r-1');
  });

  it('never has the cause of an error: that is for the log', () => {
    const error = new TransientError('try again', { cause: new Error('secret') });
    expect(JSON.stringify(problemOf(error, 'r-1'))).not.toContain('secret');
  });
});
