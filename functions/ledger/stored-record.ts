import type { StoredRecord } from '#ledger/export-line.ts';
import { type LedgerRecord, ledgerRecordSchema } from '#ledger/record.ts';
import { LedgerIntegrityError } from '#platform/errors.ts';

/**
 * The record of what is stored, with the hash that is stored beside it: a record that was tampered with is handed out as
 * it is, because refusing to show it would hide it from the auditor whose check finds it.
 * @throws LedgerIntegrityError when what is stored is no record at all.
 */
export const recordOf = ({ seq, canonical, recordHash }: StoredRecord): LedgerRecord => {
  try {
    return ledgerRecordSchema.parse({ ...JSON.parse(canonical), recordHash });
  } catch (cause) {
    throw new LedgerIntegrityError(
      `what is stored as record ${seq} is no ledger record; see the runbook, "LedgerTampered"`,
      {
        cause,
      },
    );
  }
};
