import * as z from 'zod';
import { type ErrorCode, SluiceError } from '#platform/errors.ts';

/** RFC 9457 problem details; `type` is stable and documented, `faults` name the fields (an extension member). */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().optional(),
  faults: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** The detail of a 403 that another role would not get; every other one is a rule's, whoever asks. */
export const ROLES_FORBID = 'your roles do not allow this';

const PROBLEMS: Record<ErrorCode | 'internal', { readonly status: number; readonly title: string }> = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  'policy-denied': { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'Not possible in the present state' },
  transient: { status: 503, title: 'Try again shortly' },
  'ledger-integrity': { status: 500, title: 'The ledger contradicts itself' },
  internal: { status: 500, title: 'Something went wrong in Sluice' },
};

/**
 * What a caller is told of an error. An error that is not ours is told as `internal`, without its message: that one
 * stays in the log, found by `instance` (the request id).
 */
export const problemOf = (error: unknown, instance: string): Problem => {
  const code = error instanceof SluiceError ? error.code : 'internal';
  const { status, title } = PROBLEMS[code];
  const detail =
    error instanceof SluiceError
      ? error.message
      : 'nothing is known to have changed; ask the operators with the instance of this problem';
  const faults = error instanceof SluiceError && error.faults.length > 0 ? [...error.faults] : undefined;
  return {
    type: `urn:sluice:problem:${code}`,
    title,
    status,
    detail,
    instance: `urn:sluice:request:${instance}`,
    ...(faults && { faults }),
  };
};
