import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { ApiClient } from '../cli/api-client.ts';
import { verifyExport } from '../cli/audit.ts';
import { exportLedger } from '../cli/export-ledger.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import { auditRoutes } from '../functions/ledger/routes.ts';
import { parseVkey } from '../functions/ledger/signed-note.ts';
import { verifyRecords } from '../functions/ledger/verify-chain.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './credentials.ts';

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

/** Signs what is new now, as the schedule does within a minute. */
export const sealNow = async (endpoint: string): Promise<void> => {
  const lambda = new LambdaClient({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: 'sluice-seal-checkpoint' }),
  );
  lambda.destroy();
  if (FunctionError !== undefined) throw new Error(`sealing failed: ${Payload?.transformToString()}`);
};

/** Exports the ledger into a new directory and verifies it there, as an auditor would: everything in it is signed. */
export const verifySigned = async (
  api: ApiClient,
  directory: string,
): Promise<{ readonly ok: boolean; readonly text: string; readonly key: string }> => {
  const { key } = await exportLedger(api, directory);
  const result = await verifyExport(directory, parseVkey(key));
  const text = result.ok
    ? `ledger verified: ${result.records} records, all signed`
    : `ledger broken at record ${result.seq}: ${result.fault}: ${result.text}`;
  return { ok: result.ok, text, key };
};
