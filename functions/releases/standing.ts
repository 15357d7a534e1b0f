import { type Target, targetIdentity } from '#policy/target.ts';
import type { Release } from '#releases/release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** What a concluded release left running on a target. */
export interface Left {
  readonly version: string;
  readonly releaseId: Release['releaseId'];
  readonly outcome: NonNullable<Release['outcome']>;
  readonly requestedBy: string;
  readonly concludedAt: string;
}

/** How one environment of a service stands by its releases. */
export interface Standing {
  /** The release that is at work, or has not concluded yet. */
  readonly active: Release | undefined;
  /** By target identity: what the last release that says so left there. */
  readonly left: ReadonlyMap<string, Left>;
}

/** Far beyond what a pipeline is refused in a row: a release before these is one that nobody remembers. */
const PAGES_MAX = 10;
const PAGE = 20;

/**
 * What the release left on each of its targets: the new version where it was promoted, else what it found stable. One
 * that ended before it looked says nothing.
 */
const leftBy = (release: Release): readonly (readonly [identity: string, left: Left])[] => {
  const { outcome, concludedAt, waves, snapshots, releaseId, requestedBy } = release;
  if (outcome === undefined || concludedAt === undefined) return [];
  return waves.flatMap(({ target, version: promoted }, index) => {
    const version = outcome === 'promoted' ? promoted : snapshots?.[index]?.stableVersion;
    const left = version !== undefined && {
      version,
      releaseId,
      outcome,
      requestedBy: requestedBy.login,
      concludedAt,
    };
    return left ? [[targetIdentity(target), left] as const] : [];
  });
};

/**
 * The active release of a service's environment and what the last ones left on these targets. The list may lag behind a
 * write for some moments, so a release that it shows as not concluded is read again. A target that no release had is
 * not in `left`.
 */
export const standingOf = async (
  releases: Pick<ReleaseStore, 'list' | 'get'>,
  service: string,
  environment: string,
  targets: readonly Target[],
): Promise<Standing> => {
  const wanted = new Set(targets.map(targetIdentity));
  const left = new Map<string, Left>();
  let active: Release | undefined;
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await releases.list({ service, limit: PAGE, ...(after !== undefined && { after }) });
    for (const listed of found.releases) {
      if (listed.environment !== environment) continue;
      const release =
        listed.concludedAt === undefined ? ((await releases.get(listed.releaseId)) ?? listed) : listed;
      if (release.concludedAt === undefined) active ??= release;
      for (const [identity, one] of leftBy(release))
        if (wanted.has(identity) && !left.has(identity)) left.set(identity, one);
    }
    after = found.next;
    if (after === undefined || left.size === wanted.size) break;
  }
  return { active, left };
};
