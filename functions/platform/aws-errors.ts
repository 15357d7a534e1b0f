import { TransientError } from '#platform/errors.ts';

interface SdkErrorShape {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: unknown;
}

const TRANSIENT_NAMES = new Set([
  'TimeoutError',
  'AbortError',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'TransactionConflictException',
  'TransactionInProgressException',
  'InternalServerError',
  'ServiceException',
  'ServiceUnavailable',
  'ResourceConflictException',
]);

/** Whether the same call may well succeed in a moment: throttled, timed out, unreachable, or the service's own fault. */
const isTransient = (error: SdkErrorShape): boolean =>
  TRANSIENT_NAMES.has(error.name ?? '') ||
  error.$retryable !== undefined ||
  (error.$metadata?.httpStatusCode ?? 0) >= 500 ||
  error.$metadata?.httpStatusCode === 429 ||
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|UND_ERR)/.test(error.code ?? '');

/**
 * A call to AWS with its passing troubles told as TransientError, which the workflows retry. Whatever else it throws
 * (a failed condition, a denied action, a missing resource) is left for the adapter, which knows what it means.
 */
export const orTransient = async <T>(what: string, call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && isTransient(error as SdkErrorShape))
      throw new TransientError(`${what} did not answer: ${error.name}`, { cause: error });
    throw error;
  }
};

export const isNamed = (error: unknown, name: string): boolean =>
  error instanceof Error && error.name === name;
