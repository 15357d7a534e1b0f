/**
 * The closed set of ways a call into Sluice can fail. Adapters translate what they meet into one of these; only
 * `platform/` turns them into responses. `name` is a literal because minifying renames classes and the workflows'
 * `ErrorEquals` match it.
 */
export type ErrorCode =
  | 'invalid-request'
  | 'unauthenticated'
  | 'policy-denied'
  | 'not-found'
  | 'conflict'
  | 'transient'
  | 'ledger-integrity';

/** One thing that is wrong, where it is wrong (`path`, dotted, empty for the whole) and what to do about it. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

export abstract class SluiceError extends Error {
  abstract readonly code: ErrorCode;
  readonly faults: readonly Fault[];

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly faults?: readonly Fault[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.faults = options.faults ?? [];
  }
}

/** 400: the caller must change what it sends; `faults` name the fields. */
export class InvalidRequestError extends SluiceError {
  override readonly name = 'InvalidRequestError';
  readonly code = 'invalid-request';
}

/** 401: no verified identity. */
export class UnauthenticatedError extends SluiceError {
  override readonly name = 'UnauthenticatedError';
  readonly code = 'unauthenticated';
}

/** 403: a known identity or a well-formed request that a rule forbids; `faults` carry the reasons. */
export class PolicyDeniedError extends SluiceError {
  override readonly name = 'PolicyDeniedError';
  readonly code = 'policy-denied';
}

/** 404. */
export class NotFoundError extends SluiceError {
  override readonly name = 'NotFoundError';
  readonly code = 'not-found';
}

/** 409: makes no sense in the present state; the message says what holds it. */
export class ConflictError extends SluiceError {
  override readonly name = 'ConflictError';
  readonly code = 'conflict';
}

/** 503: worth trying again; workflows retry it with back-off and jitter. */
export class TransientError extends SluiceError {
  override readonly name = 'TransientError';
  readonly code = 'transient';
}

/** The ledger contradicts itself: halt and page, never retry over it. */
export class LedgerIntegrityError extends SluiceError {
  override readonly name = 'LedgerIntegrityError';
  readonly code = 'ledger-integrity';
}
