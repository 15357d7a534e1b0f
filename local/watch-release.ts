import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cli/api-client.ts';
import { isTerminal } from '../functions/ledger/event-types.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import type { ReleaseId } from '../functions/platform/ids.ts';
import { releaseRoutes } from '../functions/releases/routes.ts';

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
  const seen = new Set<number>();
  while (Date.now() < deadline) {
    for (const record of await timelineOf(api, releaseId)) {
      if (seen.has(record.seq)) continue;
      seen.add(record.seq);
      onRecord(record);
      if (isTerminal(record.event.type)) return record;
    }
    await sleep(POLL_MILLISECONDS);
  }
  throw new Error(`release ${releaseId} has not ended within ${withinSeconds} s`);
};

/** All of a release's records so far, page by page. */
export const timelineOf = async (api: ApiClient, releaseId: ReleaseId): Promise<readonly LedgerRecord[]> => {
  const records: LedgerRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.call(releaseRoutes.getTimeline, {
      params: { releaseId },
      query: { limit: 100, ...(cursor !== undefined && { cursor }) },
    });
    records.push(...page.records);
    cursor = page.next;
  } while (cursor !== undefined);
  return records;
};
