import type { LedgerReader } from '#ledger/append.ts';

export interface LedgerHealth {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly detail: string;
  readonly records: number;
}

/**
 * Whether decisions can be recorded: `down` when the head can't be read, `degraded` when everything works but records
 * of restores still wait to be appended. Two cheap reads side by side; never throws.
 */
export const ledgerHealth = async (
  reader: Pick<LedgerReader, 'head'>,
  lateBatchesWaiting: () => Promise<number>,
): Promise<LedgerHealth> => {
  const [head, waiting] = await Promise.allSettled([reader.head(), lateBatchesWaiting()]);
  if (head.status === 'rejected')
    return { status: 'down', detail: 'the ledger does not answer: nothing new can be decided', records: 0 };
  const records = head.value.size;
  if (waiting.status === 'rejected')
    return { status: 'degraded', detail: 'the queue of late records does not answer', records };
  if (waiting.value > 0)
    return { status: 'degraded', detail: `${waiting.value} batches of late records wait`, records };
  return { status: 'ok', detail: 'records can be appended', records };
};
