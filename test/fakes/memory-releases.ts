import { NotFoundError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { targetIdentity } from '#policy/target.ts';
import { type EnvironmentState, freezeAt, isFrozenOut } from '#releases/freeze.ts';
import { type Release, releaseSchema } from '#releases/release.ts';
import { type ReleaseStore, replacedBy } from '#releases/release-store.ts';

export interface MemoryReleases extends ReleaseStore {
  /** As it is stored, without a read of the port. */
  peek(releaseId: ReleaseId): Release | undefined;
  /** Writes without a condition, for fakes that break a promise on purpose. */
  overwrite(releaseId: ReleaseId, change: Partial<Release>): boolean;
  /** Who holds the lock of a service and environment. */
  lockOf(service: string, environment: string): ReleaseId | undefined;
}

interface Key {
  readonly releaseId: ReleaseId;
  readonly requestDigest: string;
}

/** A copy without undefined members, as what comes out of a table. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const identitiesOf = ({ waves }: Release): string[] => waves.map(({ target }) => targetIdentity(target));

const isForwardAt = (release: Release, fence: number): boolean =>
  release.mode === 'forward' && release.fence === fence;

/**
 * Items by their text, and what a change made of them, for all stores: explorations write the same few thousand again and
 * again.
 */
const items = new Map<string, Release>();
const changed = new WeakMap<Release, Map<string, Release>>();

/** A copy without undefined members, as what comes out of a table; the same object for the same content. */
const item = (release: Release): Release => {
  const text = JSON.stringify(release);
  const known = items.get(text);
  if (known !== undefined) return known;
  const made = Object.freeze(JSON.parse(text) as Release);
  items.set(text, made);
  return made;
};

const itemWith = (release: Release, change: Partial<Release>): Release => {
  const known = changed.get(release) ?? new Map<string, Release>();
  changed.set(release, known);
  const text = JSON.stringify(change);
  const after = known.get(text) ?? item({ ...release, ...change });
  known.set(text, after);
  return after;
};

/** What is read must be what the schema allows, as with the table; checked once for each item. */
const valid = new WeakSet<Release>();
const checked = (release: Release): Release => {
  if (!valid.has(release)) releaseSchema.parse(release);
  valid.add(release);
  return release;
};

/** The release store in memory. Every method takes effect at once, whole or not at all. */
export const memoryReleases = (): MemoryReleases => {
  const releases = new Map<ReleaseId, Release>();
  const locks = new Map<string, ReleaseId>();
  /** By lock: the one that waits for it. */
  const places = new Map<string, ReleaseId>();
  const targets = new Map<string, ReleaseId>();
  const keys = new Map<string, Key>();
  const environments = new Map<string, EnvironmentState>();
  const stateOf = (environment: string): EnvironmentState =>
    environments.get(environment) ?? { environment, revision: 0, keys: [] };
  const lockName = ({ service, environment }: Pick<Release, 'service' | 'environment'>) =>
    `${service}#${environment}`;

  const read = (releaseId: ReleaseId): Release | undefined => {
    const found = releases.get(releaseId);
    return found && checked(found);
  };
  const mustRead = (releaseId: ReleaseId): Release => {
    const found = read(releaseId);
    if (found === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
    return found;
  };
  /** One conditional write: the new item, or false when the condition does not hold or there is no such release. */
  const update = (
    releaseId: ReleaseId,
    condition: (release: Release) => boolean,
    change: (release: Release) => Partial<Release>,
  ): boolean => {
    const found = releases.get(releaseId);
    if (found === undefined || !condition(found)) return false;
    releases.set(releaseId, itemWith(found, change(found)));
    return true;
  };

  const takeWish = (
    releaseId: ReleaseId,
    key: string,
    condition: (release: Release) => boolean,
    change: (release: Release) => Release,
  ): boolean => {
    const found = releases.get(releaseId);
    if (found?.wishes?.includes(key)) return true;
    if (found?.mode !== 'forward' || !condition(found)) return false;
    const wishes = [...(found.wishes ?? []), key];
    releases.set(releaseId, item({ ...change(found), wishes }));
    return true;
  };

  return {
    peek: (releaseId) => releases.get(releaseId),
    overwrite: (releaseId, change) =>
      update(
        releaseId,
        () => true,
        () => change,
      ),
    lockOf: (service, environment) => locks.get(lockName({ service, environment })),
    reserve: async (release, { value, requestDigest }) => {
      const used = keys.get(value);
      const holder = locks.get(lockName(release));
      const mover = identitiesOf(release)
        .map((identity) => targets.get(identity))
        .find((held) => held !== undefined);
      const freeze = isFrozenOut(release)
        ? freezeAt(stateOf(release.environment), release.requestedAt)
        : undefined;
      const waiter = places.get(lockName(release));
      const isFree =
        waiter === undefined &&
        freeze === undefined &&
        used === undefined &&
        holder === undefined &&
        mover === undefined;
      if (isFree && !releases.has(release.releaseId)) {
        releases.set(release.releaseId, item(release));
        locks.set(lockName(release), release.releaseId);
        for (const identity of identitiesOf(release)) targets.set(identity, release.releaseId);
        keys.set(value, { releaseId: release.releaseId, requestDigest });
        return { kind: 'reserved' };
      }
      if (used !== undefined && used.requestDigest !== requestDigest)
        return { kind: 'key-reused', releaseId: used.releaseId };
      if (used !== undefined) return { kind: 'repeated', release: mustRead(used.releaseId) };
      if (freeze !== undefined) return { kind: 'frozen', freeze };
      const by = holder ?? waiter;
      if (by !== undefined) return { kind: 'locked', by, ...(waiter !== undefined && { waiter }) };
      if (mover !== undefined) return { kind: 'target-locked', by: mover };
      throw new TransientError('what held the release up is gone by now; ask again');
    },
    queue: async (release, { value, requestDigest }, waiter) => {
      const { releaseId } = release;
      const isFree =
        freezeAt(stateOf(release.environment), release.requestedAt) === undefined &&
        places.get(lockName(release)) === waiter &&
        !keys.has(value) &&
        !releases.has(releaseId);
      if (!isFree) return { kind: 'moved-on' };
      releases.set(releaseId, item(release));
      places.set(lockName(release), releaseId);
      keys.set(value, { releaseId, requestDigest });
      return { kind: 'queued' };
    },
    admit: async (release, at) => {
      const { releaseId } = release;
      const found = releases.get(releaseId);
      if (found?.mode !== 'forward') return { kind: 'held' };
      if (found.waiting === undefined) return { kind: 'admitted' };
      const waiter = places.get(lockName(release));
      const active = locks.get(lockName(release));
      // Nothing but its turn and its end takes a release out of its place, and both change the release too.
      if (waiter !== releaseId) {
        const by = replacedBy(releaseId, waiter, active);
        return { kind: 'replaced', ...(by !== undefined && { by }) };
      }
      if (active !== undefined) return { kind: 'behind', by: active };
      const isMoved = identitiesOf(release).some((identity) => targets.has(identity));
      if (isMoved || freezeAt(stateOf(release.environment), at) !== undefined) return { kind: 'held' };
      const { waiting: _, ...admitted } = found;
      places.delete(lockName(release));
      locks.set(lockName(release), releaseId);
      for (const identity of identitiesOf(release)) targets.set(identity, releaseId);
      releases.set(releaseId, item(admitted));
      return { kind: 'admitted' };
    },
    readEnvironment: async (environment) => stateOf(environment),
    putEnvironment: async (state) => {
      if (stateOf(state.environment).revision !== state.revision - 1) return false;
      environments.set(state.environment, stored(state));
      return true;
    },
    knowsKey: async (key) => keys.has(key),
    get: async (releaseId) => read(releaseId),
    list: async ({ service, after, limit }) => {
      const found = [...releases.values()]
        .filter((release) => service === undefined || release.service === service)
        .filter(({ releaseId }) => after === undefined || releaseId < after)
        .sort((a, b) => (a.releaseId < b.releaseId ? 1 : -1));
      const page = found.slice(0, limit).map(checked);
      const last = page.at(-1)?.releaseId;
      return { releases: page, ...(found.length > limit && last !== undefined && { next: last }) };
    },
    open: async () =>
      [...releases.values()]
        .filter(({ concludedAt }) => concludedAt === undefined)
        .sort((a, b) => (a.releaseId < b.releaseId ? -1 : 1))
        .map(checked),
    readFence: async (releaseId) => {
      const { mode, fence } = mustRead(releaseId);
      return { mode, fence };
    },
    markStarted: async (releaseId, at) => {
      update(
        releaseId,
        ({ startedAt }) => startedAt === undefined,
        () => ({ startedAt: at }),
      );
    },
    saveSnapshots: async (releaseId, fence, snapshots) => {
      update(
        releaseId,
        (release) => isForwardAt(release, fence) && release.snapshots === undefined,
        () => ({ snapshots: [...snapshots] }),
      );
      const release = read(releaseId);
      return release && isForwardAt(release, fence) ? release.snapshots : undefined;
    },
    intendStep: async (releaseId, fence, progress) =>
      update(
        releaseId,
        (release) =>
          isForwardAt(release, fence) &&
          release.snapshots !== undefined &&
          (release.progress?.step ?? 0) <= progress.step,
        () => ({ progress }),
      ),
    noteProgress: async (releaseId, fence, progress) =>
      update(
        releaseId,
        (release) => isForwardAt(release, fence) && release.progress?.step === progress.step,
        () => ({ progress }),
      ),
    passStep: async (releaseId, fence, progress) => {
      const passed = update(
        releaseId,
        (release) =>
          isForwardAt(release, fence) &&
          release.progress?.step === progress.step &&
          (release.paused === undefined || release.promotionWish?.step === progress.step),
        () => ({ progress }),
      );
      if (passed) return 'passed';
      const release = read(releaseId);
      return release && isForwardAt(release, fence) && release.paused !== undefined ? 'paused' : 'fenced';
    },
    pause: async (releaseId, paused, key) =>
      takeWish(
        releaseId,
        key,
        (release) => release.paused === undefined,
        (release) => ({ ...release, paused }),
      ),
    resume: async (releaseId, key) =>
      takeWish(
        releaseId,
        key,
        (release) => release.paused !== undefined,
        ({ paused: _, ...resumed }) => resumed,
      ),
    wishPromotion: async (releaseId, promotionWish, key) =>
      takeWish(
        releaseId,
        key,
        (release) => release.progress?.step === promotionWish.step,
        (release) => ({ ...release, promotionWish }),
      ),
    beginRestore: async (releaseId, cause, { at, abortedBy } = {}) => {
      const before = releases.get(releaseId);
      if (before === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
      const begun = update(
        releaseId,
        ({ mode }) => mode !== 'done',
        (release) => ({
          mode: 'restoring',
          fence: release.fence + 1,
          restoreCause: release.restoreCause ?? [...cause],
          ...(at !== undefined && { restoringSince: release.restoringSince ?? at }),
          ...(abortedBy && { abortedBy: release.abortedBy ?? abortedBy }),
        }),
      );
      return begun ? { fence: before.fence + 1, first: before.mode === 'forward' } : undefined;
    },
    noteVerified: async (releaseId, verified) =>
      update(
        releaseId,
        ({ mode, fence }) => mode !== 'done' && fence === verified.fence,
        () => ({ verified }),
      ),
    decide: async (releaseId, { outcome, fence, reasons }) => {
      const [mode, at] = outcome === 'promoted' ? ['forward', 'new'] : ['restoring', 'stable'];
      return update(
        releaseId,
        (release) =>
          release.mode === mode &&
          release.fence === fence &&
          release.verified?.at === at &&
          release.verified.fence === fence,
        () => ({ mode: 'done', outcome, reasons: [...reasons] }),
      );
    },
    close: async (release, at) => {
      const { releaseId } = release;
      const present = releases.get(releaseId);
      if (present?.concludedAt !== undefined) return;
      if (present?.mode !== 'done' || (!present.waiting && locks.get(lockName(release)) !== releaseId))
        throw new Error(`release ${releaseId} can't be closed: it is not done or does not hold its lock`);
      releases.set(releaseId, itemWith(present, { concludedAt: at }));
      if (places.get(lockName(release)) === releaseId) places.delete(lockName(release));
      if (present.waiting) return;
      locks.delete(lockName(release));
      for (const identity of identitiesOf(release)) targets.delete(identity);
    },
    noteRecovery: async (releaseId, recoveries) => {
      update(
        releaseId,
        (release) => release.recoveries < recoveries,
        () => ({ recoveries }),
      );
    },
  };
};
