import { type DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { notFrozen, readEnvironment } from '#releases/adapters/dynamodb-freezes.ts';
import { holderOf, nobodyWaits, takePlace } from '#releases/adapters/dynamodb-waiting.ts';
import { putNew } from '#releases/adapters/put-new.ts';
import { freezeAt, isFrozenOut } from '#releases/freeze.ts';
import {
  idempotencyItemKey,
  lockKey,
  RELEASES,
  releaseKey,
  targetLockKey,
  waitingKey,
} from '#releases/keys.ts';
import type { Release } from '#releases/release.ts';
import type { Queueing, Reservation } from '#releases/release-store.ts';

/** A key is remembered longer than any pipeline retries, and than any release of ours runs. */
const KEY_DAYS = 35;

interface Key {
  readonly value: string;
  readonly requestDigest: string;
}

export const knowsKey = async (
  client: DynamoDBDocumentClient,
  table: string,
  key: string,
): Promise<boolean> => {
  const command = new GetCommand({ TableName: table, Key: idempotencyItemKey(key), ConsistentRead: true });
  return (await orTransient('table releases', client.send(command))).Item !== undefined;
};

/** Why the transaction was refused: an earlier use of the key is told before the lock, which that use may hold. */
const explain = async (
  client: DynamoDBDocumentClient,
  table: string,
  get: (releaseId: ReleaseId) => Promise<Release | undefined>,
  release: Release,
  key: Key,
): Promise<Reservation> => {
  const read = async (itemKey: { pk: string; sk: string }) => {
    const command = new GetCommand({ TableName: table, Key: itemKey, ConsistentRead: true });
    return (await orTransient('table releases', client.send(command))).Item;
  };
  const used = await read(idempotencyItemKey(key.value));
  if (used !== undefined) {
    const releaseId = used.releaseId as ReleaseId;
    if (used.requestDigest !== key.requestDigest) return { kind: 'key-reused', releaseId };
    const earlier = await get(releaseId);
    if (earlier !== undefined) return { kind: 'repeated', release: earlier };
  }
  if (isFrozenOut(release)) {
    const freeze = freezeAt(await readEnvironment(client, table, release.environment), release.requestedAt);
    if (freeze !== undefined) return { kind: 'frozen', freeze };
  }
  const { service, environment } = release;
  const active = await holderOf(client, table, lockKey(service, environment));
  const waiter = await holderOf(client, table, waitingKey(service, environment));
  const by = active ?? waiter;
  if (by !== undefined) return { kind: 'locked', by, ...(waiter !== undefined && { waiter }) };
  for (const { target } of release.waves) {
    const targetLock = await read(targetLockKey(target));
    if (targetLock !== undefined) return { kind: 'target-locked', by: targetLock.releaseId as ReleaseId };
  }
  throw new TransientError('what held the release up is gone by now; ask again');
};

const keepRelease = (table: string, release: Release) =>
  putNew(table, {
    ...releaseKey(release.releaseId),
    ...release,
    all: RELEASES.all,
    open: RELEASES.openMark,
  });

const keepKey = (table: string, { releaseId, requestedAt }: Release, { value, requestDigest }: Key) =>
  putNew(table, {
    ...idempotencyItemKey(value),
    releaseId,
    requestDigest,
    [RELEASES.ttl]: Math.floor(Date.parse(requestedAt) / 1_000) + KEY_DAYS * 86_400,
  });

/** A waiting release, its place and its key in one transaction. */
export const queueRelease = async (
  client: DynamoDBDocumentClient,
  table: string,
  release: Release,
  key: Key,
  waiter: ReleaseId | undefined,
): Promise<Queueing> => {
  try {
    await orTransient(
      'table releases',
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            notFrozen(table, release.environment, release.requestedAt),
            takePlace(table, release, waiter),
            keepRelease(table, release),
            keepKey(table, release, key),
          ],
        }),
      ),
    );
    return { kind: 'queued' };
  } catch (error) {
    if (!isNamed(error, 'TransactionCanceledException')) throw error;
    return { kind: 'moved-on' };
  }
};

/** Release, locks and idempotency key in one transaction, with the check that it may start: all or nothing. */
export const reserveRelease = async (
  client: DynamoDBDocumentClient,
  table: string,
  get: (releaseId: ReleaseId) => Promise<Release | undefined>,
  release: Release,
  key: Key,
): Promise<Reservation> => {
  const { releaseId } = release;
  try {
    await orTransient(
      'table releases',
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            ...(isFrozenOut(release) ? [notFrozen(table, release.environment, release.requestedAt)] : []),
            nobodyWaits(table, release),
            keepRelease(table, release),
            putNew(table, { ...lockKey(release.service, release.environment), releaseId }),
            ...release.waves.map(({ target }) => putNew(table, { ...targetLockKey(target), releaseId })),
            keepKey(table, release, key),
          ],
        }),
      ),
    );
    return { kind: 'reserved' };
  } catch (error) {
    if (!isNamed(error, 'TransactionCanceledException')) throw error;
    return explain(client, table, get, release, key);
  }
};
