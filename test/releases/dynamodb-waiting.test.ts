import { DynamoDBDocumentClient, TransactGetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { admitRelease } from '#releases/adapters/dynamodb-waiting.ts';
import { aRelease, NOW, releaseIdOf } from '../builders/release.ts';

const cancelled = Object.assign(new Error('cancelled'), { name: 'TransactionCanceledException' });
const [older, own, newer] = [releaseIdOf(1), releaseIdOf(2), releaseIdOf(3)] as const;
const waiting = aRelease({ releaseId: own, waiting: true, supersedes: true });

/** A turn that was refused, with what is found then. */
const refusedTurn = (found: {
  readonly release?: object;
  readonly place?: ReleaseId;
  readonly lock?: ReleaseId;
}) => {
  const dynamo = mockClient(DynamoDBDocumentClient);
  dynamo.on(TransactWriteCommand).rejects(cancelled);
  const holder = (releaseId: ReleaseId | undefined) =>
    releaseId === undefined ? {} : { Item: { releaseId } };
  dynamo.on(TransactGetCommand).resolves({
    Responses: [
      { Item: { ...(found.release ?? waiting) } },
      { Item: {}, ...holder(found.place) },
      holder(found.lock),
    ],
  });
  return {
    dynamo,
    admit: () => admitRelease(dynamo as unknown as DynamoDBDocumentClient, 'releases', waiting, NOW),
  };
};

describe('a turn that was refused', () => {
  it.each([
    ['the lock is held', { place: own, lock: older }, { kind: 'behind', by: older }],
    ['something else is in the way', { place: own }, { kind: 'held' }],
    ['a newer one waits', { place: newer, lock: older }, { kind: 'replaced', by: newer }],
    ['a newer one waited, and is active', { lock: newer }, { kind: 'replaced', by: newer }],
    ['a newer one waited, and was stopped', { lock: older }, { kind: 'replaced' }],
    ['a newer one waited, and has ended', {}, { kind: 'replaced' }],
    [
      'somebody else has just given it its turn',
      { release: aRelease({ releaseId: own }), lock: own },
      { kind: 'admitted' },
    ],
    ['it was stopped', { release: aRelease({ releaseId: own, mode: 'restoring' }) }, { kind: 'held' }],
  ])('is explained when %s', async (_, found, admission) => {
    expect(await refusedTurn(found).admit()).toEqual(admission);
  });

  it('is asked about again when the answer can not be read at one moment', async () => {
    const { dynamo, admit } = refusedTurn({});
    dynamo.on(TransactGetCommand).rejects(cancelled);
    await expect(admit()).rejects.toBeInstanceOf(TransientError);
  });
});
