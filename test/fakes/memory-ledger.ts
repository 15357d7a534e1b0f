import type { AppendReceipt, LedgerPage, LedgerReader, LedgerSpool, LedgerWriter } from '#ledger/append.ts';
import { batchDigest, isSameBatch, requireOneTransaction } from '#ledger/batch.ts';
import { EMPTY_LEDGER, type LedgerHead, linkRecords } from '#ledger/chain.ts';
import { afterTheEnd, conclusionOf, releasesToldOf } from '#ledger/ended-releases.ts';
import type { LedgerRecord, RecordDraft } from '#ledger/record.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { ConflictError, LedgerIntegrityError, TransientError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { newUlid } from '#platform/new-id.ts';
import { aSalt } from '../ledger/drafts.ts';

export interface MemoryLedger extends LedgerWriter, LedgerReader, LedgerSpool {
  /** While true nothing can be appended, as when the writer is down; reading and spooling go on. */
  down: boolean;
  readonly records: readonly LedgerRecord[];
  readonly spooled: readonly { readonly batchId: string; readonly drafts: readonly RecordDraft[] }[];
  /** What the queue of late records does once the writer is back. */
  drain(): Promise<void>;
}

/** The ledger in memory: same linking, same idempotency, and drafts checked as strictly as append-records does. */
export const memoryLedger = (now: () => Date = () => new Date()): MemoryLedger => {
  const records: LedgerRecord[] = [];
  const batches = new Map<
    string,
    Parameters<typeof isSameBatch>[1] & { receipts: readonly AppendReceipt[] }
  >();
  const spooled: { batchId: string; drafts: readonly RecordDraft[] }[] = [];
  let head: LedgerHead = EMPTY_LEDGER;

  const append = (batchId: string, drafts: readonly RecordDraft[], late: boolean) => {
    // Through JSON, as to the function: what JSON drops must not work in tests only.
    const sent = JSON.parse(JSON.stringify({ batchId, records: drafts }));
    const batch = parseOrRefuse(appendBatchSchema, sent, 'the batch');
    const digest = batchDigest(batch.records);
    const earlier = batches.get(batchId);
    if (earlier !== undefined && isSameBatch(batch.records, earlier)) return earlier.receipts;
    if (earlier !== undefined) throw new ConflictError(`the batch id ${batchId} was used for other records`);
    const at = now();
    const told = releasesToldOf(batchId, batch.records);
    const ended = new Set(told.filter((releaseId) => batches.has(conclusionOf(releaseId))));
    const linked = linkRecords(head, batch.records, {
      newSalt: aSalt,
      ids: batch.records.map(() => newUlid(at)),
      late: {
        at: at.toISOString(),
        drafts: late ? batch.records.map(() => true) : afterTheEnd(batch.records, ended),
      },
    });
    requireOneTransaction(linked.records);
    records.push(...linked.records.map(({ record }) => record));
    head = linked.head;
    const receipts = linked.records.map(({ record: { seq, id, recordHash } }) => ({ seq, id, recordHash }));
    const people = linked.records.map(({ disclosures }) => disclosures);
    batches.set(batchId, { digest, receipts, people });
    return receipts;
  };

  const page = (found: readonly LedgerRecord[], limit: number): LedgerPage => {
    const next = found[limit]?.seq;
    return { records: found.slice(0, limit), ...(next !== undefined && { next }) };
  };

  const ledger: MemoryLedger = {
    down: false,
    records,
    spooled,
    append: async (batchId, drafts) => {
      if (ledger.down) throw new TransientError("the ledger's writer could not be reached");
      return append(batchId, drafts, false);
    },
    spool: async (batchId, drafts) => {
      spooled.push({ batchId, drafts });
    },
    drain: async () => {
      for (const { batchId, drafts } of spooled.splice(0)) append(batchId, drafts, true);
    },
    head: async () => head,
    byRelease: async (releaseId, { from = 0, limit }) =>
      page(
        records.filter(({ seq, data }) => seq >= from && data.releaseId === releaseId),
        limit,
      ),
    from: async (seq, limit) => page(records.slice(seq), limit),
    byNumbers: async (seqs) =>
      seqs.map((seq) => {
        const record = records[seq];
        if (record === undefined) throw new LedgerIntegrityError(`there is no record ${seq}`);
        return record;
      }),
  };
  return ledger;
};
