import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

const PAGE = 100;

/**
 * A service's latest releases, newest first, `most` of them at most. Of one environment when it is named: others don't
 * count, so that however many there are of a busy one, those of a quiet one are found.
 */
export async function* latestReleases(
  releases: Pick<ReleaseStore, 'list'>,
  { service, environment }: { readonly service: string; readonly environment?: string | undefined },
  most: number,
): AsyncGenerator<Release> {
  let left = most;
  let after: string | undefined;
  do {
    const page = await releases.list({ service, limit: PAGE, ...(after !== undefined && { after }) });
    for (const release of page.releases) {
      if (environment !== undefined && release.environment !== environment) continue;
      if (left === 0) return;
      left -= 1;
      yield release;
    }
    after = page.next;
  } while (after !== undefined && left > 0);
}
