import { type Disclosures, disclose, withheldIn } from '#ledger/personal.ts';
import type { LedgerRecord } from '#ledger/record.ts';

/** The personal values of records, by number; of a redacted one there are none. */
export type ReadPersonal = (seqs: readonly number[]) => Promise<ReadonlyMap<number, Disclosures>>;

/** Records with the personal values that there still are. */
export const discloseRecords = async (
  records: readonly LedgerRecord[],
  personal: ReadPersonal,
): Promise<readonly LedgerRecord[]> => {
  const withheld = records.filter((record) => withheldIn(record).length > 0).map(({ seq }) => seq);
  if (withheld.length === 0) return records;
  const values = await personal(withheld);
  return records.map((record) => disclose(record, values.get(record.seq) ?? {}));
};
