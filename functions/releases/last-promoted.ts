import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** Far beyond what a pipeline is refused in a row: a release before these is one that nobody remembers. */
const PAGES_MAX = 10;
const PAGE = 20;

/**
 * The release whose version a service's environment runs: the newest that was promoted there. The list may lag behind
 * the writes, so that one that it shows on its way is read itself.
 */
export const lastPromoted = async (
  releases: Pick<ReleaseStore, 'list' | 'get'>,
  service: string,
  environment: string,
): Promise<Release | undefined> => {
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await releases.list({ service, limit: PAGE, ...(after !== undefined && { after }) });
    for (const listed of found.releases) {
      if (listed.environment !== environment) continue;
      const release = listed.outcome === undefined ? await releases.get(listed.releaseId) : listed;
      if (release?.outcome === 'promoted') return release;
    }
    if (found.next === undefined) return undefined;
    after = found.next;
  }
  return undefined;
};
