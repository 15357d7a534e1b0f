import { latestReleases } from '#releases/latest-releases.ts';
import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** Far beyond what a pipeline is refused in a row: a release before these is one that nobody remembers. */
const RELEASES_MAX = 200;

/**
 * The release whose version a service's environment runs: the newest that was promoted there. The list may lag behind
 * the writes, so that one that it shows on its way is read itself.
 */
export const lastPromoted = async (
  releases: Pick<ReleaseStore, 'list' | 'get'>,
  service: string,
  environment: string,
): Promise<Release | undefined> => {
  for await (const listed of latestReleases(releases, { service, environment }, RELEASES_MAX)) {
    const release = listed.outcome === undefined ? await releases.get(listed.releaseId) : listed;
    if (release?.outcome === 'promoted') return release;
  }
  return undefined;
};
