import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reasonSchema } from '#releases/release.ts';
import { reasonsOf } from '#rollout/restore-cause.ts';

const lambda = (errorType: string, errorMessage: string) => JSON.stringify({ errorType, errorMessage });
const failed = (error: string, detail: string) => reasonsOf({ kind: 'error', error, detail });
/** What a parent workflow is told of a nested one: the whole execution. */
const nested = (error: string | undefined, cause: string | undefined, status = 'FAILED') =>
  JSON.stringify({
    ExecutionArn: 'arn:aws:states:execution',
    Input: '{}',
    Status: status,
    Error: error,
    Cause: cause,
  });

describe('why traffic was restored', () => {
  it('is what the judge said', () => {
    const reasons = [{ code: 'evidence', text: '20 of 60 errors', facts: { ratio: 3.4 } }];
    expect(reasonsOf({ kind: 'reasons', reasons })).toEqual(reasons);
  });

  it('is told by whoever moved the fence', () => {
    expect(reasonsOf({ kind: 'fenced' })).toEqual([{ code: 'stopped', text: 'the release was stopped' }]);
  });

  it("is a refusal in the refusal's own words, and then the release ends refused", () => {
    const detail = lambda('PolicyDeniedError', 'version 2 already has all traffic');
    expect(failed('PolicyDeniedError', detail)).toEqual([
      { code: 'refused', text: 'version 2 already has all traffic' },
    ]);
  });

  it.each([
    [
      'ConflictError',
      lambda('ConflictError', 'someone else moved the traffic'),
      'ConflictError: someone else moved the traffic',
    ],
    ['States.Timeout', '', 'States.Timeout: States.Timeout'],
    ['Lambda.Unknown', 'The function ran out of memory', 'Lambda.Unknown: The function ran out of memory'],
    ['unknown', '{"a":1}', 'unknown: {"a":1}'],
    ['unknown', '{"errorMessage":""}', 'unknown: unknown'],
    ['unknown', 'null', 'unknown: null'],
  ])('is the step that failed, with %s', (error, detail, text) => {
    expect(failed(error, detail)).toMatchObject([{ code: 'step-failed', text, facts: { error } }]);
  });

  it('is what failed inside a nested workflow, not the JSON of its execution', () => {
    const stage = nested('ConflictError', lambda('ConflictError', 'someone else moved the traffic'));
    const text = 'ConflictError: someone else moved the traffic';
    expect(failed('States.TaskFailed', stage)).toMatchObject([{ code: 'step-failed', text }]);
    expect(failed('States.TaskFailed', nested('States.TaskFailed', stage))).toMatchObject([{ text }]);
  });

  it('is how a nested workflow ended that was stopped or timed out', () => {
    expect(failed('States.TaskFailed', nested(undefined, undefined, 'ABORTED'))).toMatchObject([
      { text: 'States.TaskFailed: a nested workflow ended ABORTED' },
    ]);
  });

  it('always fits a release: one whose reason could not be stored could not be restored either', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.string({ unit: 'grapheme', maxLength: 50 }).map((part) => part.repeat(60)),
      fc.constantFrom(
        '\ud800',
        'x'.repeat(899).concat('🚀'),
        lambda('E', '🚀'.repeat(900)),
        nested('E'.repeat(300), '\udc00'),
      ),
    );
    fc.assert(
      fc.property(text, text, (error, detail) => {
        for (const reason of failed(error, detail)) {
          expect(reasonSchema.safeParse(reason).error).toBeUndefined();
          expect(reason.text.isWellFormed()).toBe(true);
          expect(JSON.stringify(reason.facts ?? {}).includes('\\ud')).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });
});
