import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import { beginsSomething, isTerminal, type LedgerEventType } from '../../functions/ledger/event-types.ts';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { lockKey } from '../../functions/releases/keys.ts';
import type { Outcome } from '../../functions/releases/release.ts';
import { awsSettings, getRelease, operator, type TestService } from './harness.ts';

const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(awsSettings));

export const lockOf = async (service: string): Promise<unknown> =>
  (
    await dynamo.send(
      new GetCommand({
        TableName: 'sluice-releases',
        Key: lockKey(service, 'production'),
        ConsistentRead: true,
      }),
    )
  ).Item?.releaseId;

/** INV-5: whatever was done was intended before, in the same step. */
const expectIntents = (records: readonly LedgerRecord[]): void => {
  for (const [intended, done] of [
    ['release.shift.intended', 'release.shift.done'],
    ['release.promotion.intended', 'release.promotion.done'],
    ['release.restore.intended', 'release.restore.done'],
  ] as const) {
    const dones = records.filter(({ event }) => event.type === done);
    for (const record of dones) {
      const before = records.filter(({ event, seq }) => event.type === intended && seq < record.seq);
      expect(before.length, `${done} (${record.seq}) without ${intended} before it`).toBeGreaterThan(0);
    }
  }
};

/** INV-4: one terminal record, and after it nothing begins; what was under way by then is told of as late. */
export const expectOneEnd = (records: readonly LedgerRecord[], terminal: LedgerEventType): void => {
  const ends = records.filter(({ event }) => isTerminal(event.type));
  expect(ends.map(({ event }) => event.type)).toEqual([terminal]);
  for (const { event, data, seq } of records.slice(
    records.findIndex(({ event }) => isTerminal(event.type)) + 1,
  ))
    expect([data.late, beginsSomething(event.type)], `${event.type} (${seq}) after the end`).toEqual([
      true,
      false,
    ]);
};

/**
 * What is true of every release that has ended, whatever happened on the way: one terminal record (INV-4), its lock
 * free, all traffic on one version, the one that the outcome says (INV-2), intents before effects (INV-5).
 */
export const expectSound = async (
  service: TestService,
  releaseId: ReleaseId,
  expected: { readonly outcome: Outcome; readonly runs: string },
): Promise<readonly LedgerRecord[]> => {
  const release = await getRelease(releaseId);
  const records = await timelineOf(operator, releaseId);
  expectOneEnd(records, `release.${expected.outcome}`);
  expect(release.outcome).toBe(expected.outcome);
  expect(release.concludedAt).toBeDefined();
  expect(await lockOf(service.service)).not.toBe(releaseId);
  expect(await service.routing()).toEqual({ primary: expected.runs, weights: {} });
  expectIntents(records);
  return records;
};
