import { randomUUID } from 'node:crypto';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RouteInput } from '../../cli/api-client.ts';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import type { LedgerRecord, RecordDraft } from '../../functions/ledger/record.ts';
import { auditRoutes } from '../../functions/ledger/routes.ts';
import { systemActor } from '../../functions/platform/actor.ts';
import { newName } from './doors/services.ts';
import { awsSettings, ended, eventually, operator, withService } from './harness.ts';

type Query = NonNullable<RouteInput<typeof auditRoutes.listRecords>['query']>;

const ask = (query: Query) => operator.call(auditRoutes.listRecords, { query });

/** All that a search finds, page by page, once everything that was written by now is looked through. */
const find = async (query: Query): Promise<readonly LedgerRecord[]> => {
  const { head } = await ask({ limit: 1 });
  return eventually(`${head.size} records are indexed`, async () => {
    const records: LedgerRecord[] = [];
    let cursor: string | undefined;
    do {
      const page: Awaited<ReturnType<typeof ask>> = await ask({
        ...query,
        limit: 3,
        ...(cursor !== undefined && { cursor }),
      });
      if (page.searchedSize < head.size) return undefined;
      records.push(...page.records);
      cursor = page.next;
    } while (cursor !== undefined);
    return records;
  });
};

const numbersOf = (records: readonly LedgerRecord[]) => records.map(({ data }) => data.n);

describe('records of many kinds', () => {
  const [one, other] = [newName('found'), newName('found')];
  const actor = `test-${randomUUID()}`;
  const at = (second: number): string => `2024-02-29T23:59:0${second}.000Z`;
  const draft = (n: number, over: Partial<RecordDraft> = {}): RecordDraft => ({
    event: { type: 'service.changed', timestamp: at(n) },
    change: { service: one },
    actor: systemActor(actor),
    data: { n },
    ...over,
  });

  beforeAll(async () => {
    const client = new LambdaClient({ ...awsSettings, maxAttempts: 1 });
    const writer = lambdaLedgerWriter(client, 'sluice-append-records');
    await writer.append(`test/${randomUUID()}`, [
      draft(3),
      draft(1),
      draft(2, { change: { service: other } }),
      draft(4, { event: { type: 'release.round.judged', timestamp: at(4) } }),
      draft(5, { actor: systemActor(`${actor}-2`) }),
    ]);
  });

  it.each<[string, Query, readonly number[]]>([
    ['a service', { service: one }, [1, 3, 4, 5]],
    ['an actor', { actor }, [1, 2, 3, 4]],
    ['a service and an actor', { service: one, actor }, [1, 3, 4]],
    ['a service and a control', { service: one, control: 'CC8.1' }, [1, 3, 5]],
    ['an actor and a type', { actor, type: 'release.round.judged' }, [4]],
    ['all at once', { service: one, actor, control: 'CC6.1', type: 'service.changed' }, [1, 3]],
    ['a time', { actor, from: at(2), to: at(4) }, [2, 3]],
    ['a time in another zone', { actor, from: '2024-03-01T01:59:04+02:00' }, [4]],
    ['nobody', { actor: `${actor}-3` }, []],
    ['a time alone', { from: at(1), to: at(2) }, [1]],
  ])('are found by %s, by the time of what they tell', async (_, query, expected) => {
    expect(numbersOf(await find(query))).toEqual(expected);
  });
});

withService('the whole life of a release is found by one query', async ({ service }) => {
  const releaseId = await service.request('2');
  await ended(releaseId);
  const life = await find({ service: service.service });
  const types = life.map(({ event }) => event.type);
  expect(types).toEqual(
    expect.arrayContaining([
      'service.registered',
      'release.accepted',
      'release.shift.done',
      'release.promoted',
    ]),
  );
  const { records } = await ask({ release: releaseId, limit: 256 });
  const seqs = life.map(({ seq }) => seq);
  expect(seqs).toEqual(expect.arrayContaining(records.map(({ seq }) => seq)));
  const asked = await find({ service: service.service, actor: 'olive', type: 'release.accepted' });
  expect(asked.map(({ data }) => data.releaseId)).toEqual([releaseId]);
});
