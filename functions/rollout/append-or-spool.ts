import type { LedgerSpool, LedgerWriter } from '#ledger/append.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { TransientError } from '#platform/errors.ts';

export interface TellingPorts {
  readonly ledger: LedgerWriter;
  readonly spool: LedgerSpool;
  /** Something that must not stop a restore went wrong. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

/**
 * The ledger if it answers, else its queue, else a line in the log: a restore waits for none of them. Only what may be
 * appended later goes to the queue; a record that the ledger will never take is told in the log, and is `refused`.
 */
export const appendOrSpool = async (
  ports: TellingPorts,
  batch: string,
  drafts: readonly RecordDraft[],
): Promise<'told' | 'refused'> => {
  try {
    await ports.ledger.append(batch, drafts);
  } catch (error) {
    ports.onTrouble('ledger did not take a record of a restore', error);
    if (!(error instanceof TransientError)) return 'refused';
    try {
      await ports.spool.spool(batch, drafts);
    } catch (spoolError) {
      ports.onTrouble('a record of a restore could not be queued', spoolError);
    }
  }
  return 'told';
};
