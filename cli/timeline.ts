import type { LedgerRecord } from '../functions/ledger/record.ts';
import type { ReleaseId } from '../functions/platform/ids.ts';
import { releaseRoutes } from '../functions/releases/routes.ts';
import type { ApiClient } from './api-client.ts';

const PAGE = 100;

/**
 * What is new on a release's timeline since it was last asked. It goes on one page before the last, so that following a
 * release for weeks does not read it from its beginning each time, and a record that showed late is still seen.
 */
export const timelineReader = (
  api: ApiClient,
  releaseId: ReleaseId,
): (() => Promise<readonly LedgerRecord[]>) => {
  const seen = new Set<number>();
  let pages: readonly (string | undefined)[] = [undefined];
  return async () => {
    const records: LedgerRecord[] = [];
    const [first] = pages.slice(-2);
    pages = [first];
    for (let cursor = first; ; cursor = pages.at(-1)) {
      const page = await api.call(releaseRoutes.getTimeline, {
        params: { releaseId },
        query: { limit: PAGE, ...(cursor !== undefined && { cursor }) },
      });
      records.push(...page.records.filter(({ seq }) => !seen.has(seq)));
      if (page.next === undefined) break;
      pages = [...pages, page.next];
    }
    for (const { seq } of records) seen.add(seq);
    return records;
  };
};

/** All of a release's records so far. */
export const timelineOf = (api: ApiClient, releaseId: ReleaseId): Promise<readonly LedgerRecord[]> =>
  timelineReader(api, releaseId)();
