import type { LedgerHead } from '#ledger/chain.ts';
import type { LedgerRecord, RecordDraft } from '#ledger/record.ts';

/** Proof that a record is in the ledger, and where. */
export interface AppendReceipt {
  readonly seq: number;
  readonly id: string;
  readonly recordHash: string;
}

export interface LedgerWriter {
  /**
   * Appends a batch: all of it or nothing, in the order given, with no other record in between. The same batch id
   * again appends nothing and gives the first call's receipts, so it must name the step ("this release's shift to
   * stage 2"), not the attempt, and `data` must hold what was decided, not what differs between attempts.
   * What tells of a release that has its terminal record is marked late.
   * @throws InvalidRequestError, ConflictError (the id was used for other content, or a release that has ended is said to
   * begin something): don't retry.
   * @throws TransientError: whether it was appended is not known; try again with the same batch id.
   * @throws LedgerIntegrityError: the tables contradict each other.
   */
  append(batchId: string, drafts: readonly RecordDraft[]): Promise<readonly AppendReceipt[]>;
}

/**
 * The way around a writer that is down, for restores only: records that must not hold up an effect. They are appended
 * later, marked late. A batch that had reached the ledger after all is recognised by its id.
 */
export interface LedgerSpool {
  spool(batchId: string, drafts: readonly RecordDraft[]): Promise<void>;
}

/** A page may be shorter than asked for and not be the last: it is the last when `next`, where to go on, is absent. */
export interface LedgerPage {
  readonly records: readonly LedgerRecord[];
  readonly next?: number;
}

/** Records are given as they are stored: whether they are as they were written is verify-chain's business. */
export interface LedgerReader {
  /** Consistent. */
  head(): Promise<LedgerHead>;
  /** A release's records from number `from` on, in order; the newest may be missing for some moments. */
  byRelease(releaseId: string, page: { readonly from?: number; readonly limit: number }): Promise<LedgerPage>;
  /** The whole ledger from number `seq` on, in order; consistent. */
  from(seq: number, limit: number): Promise<LedgerPage>;
  /**
   * These records, in this order; only the first of them when all would be too long for one answer. Consistent.
   * @throws LedgerIntegrityError when one is not there.
   */
  byNumbers(seqs: readonly number[]): Promise<readonly LedgerRecord[]>;
}
