import { describe, expect, it } from 'vitest';
import type { LedgerReader, LedgerWriter } from '#ledger/append.ts';
import { canonicalRecord } from '#ledger/canonical.ts';
import { conclusionOf } from '#ledger/ended-releases.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { ConflictError, InvalidRequestError, LedgerIntegrityError } from '#platform/errors.ts';
import { aBatchId, aDraft, aReleaseId } from './drafts.ts';

export interface LedgerPair {
  readonly writer: LedgerWriter;
  readonly reader: LedgerReader;
}

/** What a release's records are once the index has caught up. */
const recordsOf = async (reader: LedgerReader, releaseId: string, expected: number) => {
  const all = async () => {
    const found = [];
    let from: number | undefined = 0;
    while (from !== undefined) {
      const page = await reader.byRelease(releaseId, { from, limit: 2 });
      expect(page.records.length).toBeLessThanOrEqual(2);
      found.push(...page.records);
      from = page.next;
    }
    return found;
  };
  await expect.poll(async () => (await all()).length, { timeout: 10_000 }).toBe(expected);
  return all();
};

/**
 * What every ledger does, be it in memory, in tables or behind the deployed writer. Others may be writing the same
 * ledger meanwhile, so nothing is said of records that the test itself did not append.
 */
export const ledgerContract = (name: string, make: () => LedgerPair | Promise<LedgerPair>): void => {
  describe(`${name}, as a ledger`, () => {
    it('appends a batch as one run of numbers, each record linked to the one before', async () => {
      const { writer, reader } = await make();
      await writer.append(aBatchId(), [aDraft({ n: -1 })]);
      const receipts = await writer.append(aBatchId(), [
        aDraft({ n: 0 }),
        aDraft({ n: 1 }),
        aDraft({ n: 2 }),
      ]);
      const first = receipts[0]?.seq ?? Number.NaN;
      expect(receipts.map(({ seq }) => seq)).toEqual([first, first + 1, first + 2]);
      const { records } = await reader.from(first - 1, 4);
      expect(records.slice(1).map(({ data }) => data)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
      expect(records.slice(1).map(({ id, seq, recordHash }) => ({ seq, id, recordHash }))).toEqual(receipts);
      for (const [index, record] of records.entries()) {
        expect(record.recordHash).toBe(leafHash(canonicalRecord(record)));
        if (index > 0) expect(record.prevHash).toBe(records[index - 1]?.recordHash);
      }
      const head = await reader.head();
      expect(head.size).toBeGreaterThanOrEqual(first + 3);
    });

    it('gives a repeated batch its first receipts, though its time has moved on, and appends nothing', async () => {
      const { writer, reader } = await make();
      const [batchId, releaseId] = [aBatchId(), aReleaseId()];
      const first = await writer.append(batchId, [aDraft({ releaseId })]);
      const later = aDraft({ releaseId }, 'release.shift.done', '2026-01-05T10:09:59.999Z');
      expect(await writer.append(batchId, [later])).toEqual(first);
      expect(await recordsOf(reader, releaseId, 1)).toHaveLength(1);
    });

    it('appends a batch once though it is sent many times at once', async () => {
      const { writer, reader } = await make();
      const [batchId, releaseId] = [aBatchId(), aReleaseId()];
      const sent = Array.from({ length: 4 }, () => writer.append(batchId, [aDraft({ releaseId })]));
      const [first, ...others] = await Promise.all(sent);
      for (const other of others) expect(other).toEqual(first);
      expect(await recordsOf(reader, releaseId, 1)).toHaveLength(1);
    });

    it('gives different batches at once different numbers', async () => {
      const { writer, reader } = await make();
      const releaseId = aReleaseId();
      const batches = Array.from({ length: 4 }, (_, n) =>
        writer.append(aBatchId(), [aDraft({ releaseId, n }), aDraft({ releaseId, n })]),
      );
      const receipts = (await Promise.all(batches)).flat();
      expect(new Set(receipts.map(({ seq }) => seq)).size).toBe(8);
      const records = await recordsOf(reader, releaseId, 8);
      const numbers = records.map(({ seq }) => seq);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      for (let n = 0; n < 8; n += 2) expect(records[n]?.data).toEqual(records[n + 1]?.data);
    });

    it('refuses other content under a used batch id', async () => {
      const { writer } = await make();
      const batchId = aBatchId();
      await writer.append(batchId, [aDraft({ verdict: 'promote' })]);
      await expect(writer.append(batchId, [aDraft({ verdict: 'rollback' })])).rejects.toThrow(ConflictError);
    });

    it('takes nothing more that begins after the record that ends a release, and marks late what comes in of before', async () => {
      const { writer, reader } = await make();
      const [releaseId, another] = [aReleaseId(), aReleaseId()];
      const before = { id: aBatchId(), drafts: [aDraft({ releaseId }, 'release.restore.intended')] };
      const told = await writer.append(before.id, before.drafts);
      await writer.append(conclusionOf(releaseId), [aDraft({ releaseId }, 'release.rolled-back')]);
      for (const type of ['release.restore.intended', 'release.abort.accepted', 'release.promoted'] as const)
        await expect(writer.append(aBatchId(), [aDraft({ releaseId }, type)])).rejects.toThrow(ConflictError);
      expect(await writer.append(before.id, before.drafts)).toEqual(told);
      await writer.append(aBatchId(), [
        aDraft({ releaseId }, 'release.restore.done'),
        aDraft({ releaseId: another }, 'release.restore.done'),
      ]);
      const records = await recordsOf(reader, releaseId, 3);
      expect(records.map(({ event, data }) => [event.type, data.late])).toEqual([
        ['release.restore.intended', undefined],
        ['release.rolled-back', undefined],
        ['release.restore.done', true],
      ]);
      expect((await recordsOf(reader, another, 1))[0]?.data).toEqual({ releaseId: another });
    });

    it('refuses a record above 65,535 bytes, and the whole batch with it', async () => {
      const { writer, reader } = await make();
      const releaseId = aReleaseId();
      const batch = [aDraft({ releaseId }), aDraft({ releaseId, evidence: 'x'.repeat(65_535) })];
      await expect(writer.append(aBatchId(), batch)).rejects.toThrow(InvalidRequestError);
      await expect(writer.append(aBatchId(), batch)).rejects.toThrow(/digest/);
      await recordsOf(reader, releaseId, 0);
    });

    it('refuses a batch that one transaction cannot hold', async () => {
      const { writer } = await make();
      const many = Array.from({ length: 99 }, (_, n) => aDraft({ n }));
      await expect(writer.append(aBatchId(), many)).rejects.toThrow(InvalidRequestError);
    });

    it('takes 98 records at once and reads them back in pages', async () => {
      const { writer, reader } = await make();
      const receipts = await writer.append(
        aBatchId(),
        Array.from({ length: 98 }, (_, n) => aDraft({ n })),
      );
      let at: number | undefined = receipts[0]?.seq;
      const read: unknown[] = [];
      while (at !== undefined && read.length < 98) {
        const page = await reader.from(at, Math.min(40, 98 - read.length));
        read.push(...page.records.map(({ data }) => data.n));
        at = page.next;
      }
      expect(read).toEqual(Array.from({ length: 98 }, (_, n) => n));
    });

    it('gives records by their numbers, in the order asked for, and says when one is not there', async () => {
      const { writer, reader } = await make();
      const receipts = await writer.append(
        aBatchId(),
        Array.from({ length: 98 }, (_, n) => aDraft({ n })),
      );
      const more = await writer.append(aBatchId(), [
        aDraft({ n: 98 }),
        aDraft({ n: 99 }),
        aDraft({ n: 100 }),
      ]);
      const seqs = [...receipts, ...more].map(({ seq }) => seq).toReversed();
      const records = await reader.byNumbers(seqs);
      expect(records.map(({ data }) => data.n)).toEqual(Array.from({ length: 101 }, (_, n) => 100 - n));
      expect(await reader.byNumbers([])).toEqual([]);
      const beyond = (await reader.head()).size + 1_000_000;
      await expect(reader.byNumbers([...seqs.slice(0, 3), beyond])).rejects.toThrow(LedgerIntegrityError);
    });

    it('has nothing beyond its head', async () => {
      const { reader } = await make();
      const { size } = await reader.head();
      expect(await reader.from(size + 1_000_000, 5)).toEqual({ records: [] });
    });
  });
};
