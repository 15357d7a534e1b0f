import type { ApiClient } from '../cli/api-client.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import { auditRoutes } from '../functions/ledger/routes.ts';
import { verifyRecords } from '../functions/ledger/verify-chain.ts';

/** The whole ledger as one JSON line a record, read through the API as an auditor would. */
export async function* exportLines(api: ApiClient): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const page: { records: readonly LedgerRecord[]; next?: string | undefined } = await api.call(
      auditRoutes.listRecords,
      {
        query: { limit: 256, ...(cursor !== undefined && { cursor }) },
      },
    );
    for (const record of page.records) yield JSON.stringify(record);
    cursor = page.next;
  } while (cursor !== undefined);
}

/** Checks the chain of the whole ledger with the code that the offline command uses. */
export const verifyLedger = async (
  api: ApiClient,
): Promise<{ readonly ok: boolean; readonly text: string }> => {
  const result = await verifyRecords(exportLines(api));
  return result.ok
    ? { ok: true, text: `chain verified: ${result.records} records` }
    : { ok: false, text: `chain broken at record ${result.seq}: ${result.fault}: ${result.text}` };
};
