import { expect, it } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import type { ApiClient } from '../../cli/api-client.ts';
import { timelineReader } from '../../cli/timeline.ts';
import { releaseIdOf } from '../builders/release.ts';
import { aDraft, aSalt } from '../ledger/drafts.ts';

const recordsOf = (count: number): readonly LedgerRecord[] =>
  linkRecords(
    EMPTY_LEDGER,
    Array.from({ length: count }, (_, n) => aDraft({ n })),
    { newSalt: aSalt, ids: Array.from({ length: count }, () => '01JGXQ00000000000000000000') },
  ).records.map(({ record }) => record);

/** Pages of two, cursors that are positions; `asked` tells which were read. */
const pagedApi = (stored: LedgerRecord[]) => {
  const asked: number[] = [];
  const api = {
    call: async (_: unknown, { query }: { query: { cursor?: string } }) => {
      const from = Number(query.cursor ?? 0);
      asked.push(from);
      const next = stored.length > from + 2 ? String(from + 2) : undefined;
      return { records: stored.slice(from, from + 2), ...(next !== undefined && { next }) };
    },
  } as unknown as ApiClient;
  return { api, asked };
};

it('reads a timeline page by page, then only what is new, from one page before the last', async () => {
  const all = recordsOf(8);
  const stored = all.slice(0, 6);
  const { api, asked } = pagedApi(stored);
  const read = timelineReader(api, releaseIdOf(1));
  expect((await read()).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await read()).toEqual([]);
  stored.push(...all.slice(6));
  expect((await read()).map(({ seq }) => seq)).toEqual([6, 7]);
  expect(asked).toEqual([0, 2, 4, 2, 4, 2, 4, 6]);
});

it('still sees a record that shows later than those after it', async () => {
  const [a, b, c, d] = recordsOf(4) as [LedgerRecord, LedgerRecord, LedgerRecord, LedgerRecord];
  const stored = [a, b, d];
  const read = timelineReader(pagedApi(stored).api, releaseIdOf(1));
  await read();
  stored.splice(2, 0, c);
  expect(await read()).toEqual([c]);
});
