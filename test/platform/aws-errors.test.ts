import { describe, expect, it } from 'vitest';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';

const failure = (shape: object): Error => Object.assign(new Error('secret detail'), shape);
const answering = (error: unknown) => orTransient('table releases', Promise.reject(error));

describe('passing trouble of AWS', () => {
  it.each<[string, object]>([
    ['throttled by Lambda', { name: 'TooManyRequestsException', $metadata: { httpStatusCode: 429 } }],
    ['throttled by Step Functions', { name: 'ThrottlingException' }],
    ['throttled by CloudWatch', { name: 'Throttling' }],
    ['throttled by SQS', { name: 'RequestThrottled' }],
    ['throttled by DynamoDB', { name: 'ProvisionedThroughputExceededException' }],
    ['too many requests, by any name', { name: 'SomethingNew', $metadata: { httpStatusCode: 429 } }],
    ['the service itself failed', { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } }],
    ['the service is away', { name: 'X', $metadata: { httpStatusCode: 503 } }],
    ['what the SDK would try again', { name: 'X', $retryable: {} }],
    ['two transactions met', { name: 'TransactionConflictException' }],
    ['a function is being updated', { name: 'ResourceConflictException' }],
    ['no answer in time', { name: 'TimeoutError' }],
    ['given up by the client', { name: 'AbortError' }],
    ['connection refused', { code: 'ECONNREFUSED' }],
    ['connection reset', { code: 'ECONNRESET' }],
    ['connection gone', { code: 'EPIPE' }],
    ['no route to the host', { code: 'EHOSTUNREACH' }],
    ['no network', { code: 'ENETUNREACH' }],
    ['no name service', { code: 'EAI_AGAIN' }],
    ['a socket closed half way', { code: 'UND_ERR_SOCKET' }],
  ])('%s: is worth another try, and keeps its cause for the log', async (_what, shape) => {
    const cause = failure(shape);
    const error: unknown = await answering(cause).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ message: expect.stringContaining('table releases'), cause });
    expect(String(error)).not.toContain('secret');
  });
});

describe('trouble that another try would only repeat', () => {
  it.each<[string, object]>([
    [
      'a condition that failed',
      { name: 'ConditionalCheckFailedException', $metadata: { httpStatusCode: 400 } },
    ],
    ['a transaction that was refused', { name: 'TransactionCanceledException' }],
    ['an action that is denied', { name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } }],
    ['a resource that is missing', { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } }],
    ['an old revision', { name: 'PreconditionFailedException', $metadata: { httpStatusCode: 412 } }],
    ['a bug of ours', { name: 'TypeError' }],
    ['a file that is not there', { code: 'ENOENT' }],
  ])('%s: is left as it is', async (_what, shape) => {
    const error = failure(shape);
    await expect(answering(error)).rejects.toBe(error);
  });

  it('is left as it is when it is no error at all', async () => {
    await expect(answering('thrown text')).rejects.toBe('thrown text');
  });
});

it('an answer is handed through', async () => {
  expect(await orTransient('x', Promise.resolve(7))).toBe(7);
});

it('an error is known by its name, and nothing else is one', () => {
  expect(isNamed(failure({ name: 'A' }), 'A')).toBe(true);
  expect(isNamed(failure({ name: 'A' }), 'B')).toBe(false);
  expect(isNamed({ name: 'A' }, 'A')).toBe(false);
  expect(isNamed(undefined, 'A')).toBe(false);
});
