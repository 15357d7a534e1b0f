import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cli/api-client.ts';
import { timelineReader } from '../cli/timeline.ts';
import { isTerminal } from '../functions/ledger/event-types.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import type { ReleaseId } from '../functions/platform/ids.ts';

const POLL_MILLISECONDS = 500;

/**
 * Follows a release by its timeline until its terminal record.
 * @throws when it has not ended within the time.
 */
export const watchRelease = async (
  api: ApiClient,
  releaseId: ReleaseId,
  {
    onRecord,
    withinSeconds,
  }: { readonly onRecord: (record: LedgerRecord) => void; readonly withinSeconds: number },
): Promise<LedgerRecord> => {
  const deadline = Date.now() + withinSeconds * 1_000;
  const newRecords = timelineReader(api, releaseId);
  while (Date.now() < deadline) {
    for (const record of await newRecords()) {
      onRecord(record);
      if (isTerminal(record.event.type)) return record;
    }
    await sleep(POLL_MILLISECONDS);
  }
  throw new Error(`release ${releaseId} has not ended within ${withinSeconds} s`);
};
