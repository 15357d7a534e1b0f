import type { Actor } from '#platform/actor.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Freeze, FreezeStore } from '#releases/freeze.ts';
import type {
  Outcome,
  Pause,
  Progress,
  PromotionWish,
  Reason,
  Release,
  Snapshot,
} from '#releases/release.ts';

/** What a fenced effect is compared with. */
export interface Fence {
  readonly mode: Release['mode'];
  readonly fence: number;
}

export type Reservation =
  /** Lock, release and idempotency key were written together. */
  | { readonly kind: 'reserved' }
  /** The same key with the same request came before. */
  | { readonly kind: 'repeated'; readonly release: Release }
  /** The key came before with another request. */
  | { readonly kind: 'key-reused'; readonly releaseId: ReleaseId }
  /** No release starts in this environment at the time it was asked for. */
  | { readonly kind: 'frozen'; readonly freeze: Freeze }
  /** Another release of this service and environment is active, or `waiter` is the next. */
  | { readonly kind: 'locked'; readonly by: ReleaseId; readonly waiter?: ReleaseId }
  /** A release of another service or environment is moving the same target's traffic. */
  | { readonly kind: 'target-locked'; readonly by: ReleaseId };

/** What came of a release's wish to be the one that waits for the lock. */
export type Queueing =
  | { readonly kind: 'queued' }
  /** Somebody else was faster, in whichever way: begin again with a reservation. */
  | { readonly kind: 'moved-on' };

/** What came of a waiting release's turn. */
export type Admission =
  /** It holds its locks, and is to be launched. */
  | { readonly kind: 'admitted' }
  /** The lock is held. */
  | { readonly kind: 'behind'; readonly by: ReleaseId }
  /** A newer release took its place: `by`, unless nobody can tell any more who. */
  | { readonly kind: 'replaced'; readonly by?: ReleaseId }
  /** Its environment is frozen, its traffic is moved by another service's release, or it was stopped. */
  | { readonly kind: 'held' };

/**
 * By whom a release that waits was displaced, given who waits and who is active by now. Whoever took its place may be
 * active already; but one that is older than it was active all along, and whoever displaced it is gone.
 */
export const replacedBy = (
  releaseId: ReleaseId,
  waiter: ReleaseId | undefined,
  active: ReleaseId | undefined,
): ReleaseId | undefined => waiter ?? (active !== undefined && active > releaseId ? active : undefined);

export interface ReleasePage {
  readonly releases: readonly Release[];
  readonly next?: string;
}

/**
 * The state of releases, in the verbs of their life. Every method that changes something is one conditional write on
 * the release's item (with its lock where named), so that of two that contradict each other exactly one happens.
 * Reads of a single release are consistent.
 */
export interface ReleaseStore extends FreezeStore {
  reserve(
    release: Release,
    key: { readonly value: string; readonly requestDigest: string },
  ): Promise<Reservation>;
  /**
   * Keeps a release that waits, with its key, as the one that waits for the lock: in the stead of `waiter`, if that one is
   * there still, or of nobody. Nothing is kept when somebody else waits by now, the key was used, or nothing may start.
   */
  queue(
    release: Release,
    key: { readonly value: string; readonly requestDigest: string },
    waiter: ReleaseId | undefined,
  ): Promise<Queueing>;
  /** Gives the waiting release its locks, if they are free at `at` and it is still the one that waits. */
  admit(release: Release, at: string): Promise<Admission>;
  /** Whether a release was reserved under this idempotency key before. */
  knowsKey(key: string): Promise<boolean>;
  get(releaseId: ReleaseId): Promise<Release | undefined>;
  list(filter: {
    readonly service?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<ReleasePage>;
  /** Releases without a conclusion, in order of their ids, all of them. */
  open(): Promise<readonly Release[]>;
  readFence(releaseId: ReleaseId): Promise<Fence>;
  /** First time only; a second call changes nothing. */
  markStarted(releaseId: ReleaseId, at: string): Promise<void>;
  /** Write-once: the first snapshots stay, and are what is returned. Refused (undefined) unless forward at `fence`. */
  saveSnapshots(
    releaseId: ReleaseId,
    fence: number,
    snapshots: readonly Snapshot[],
  ): Promise<readonly Snapshot[] | undefined>;
  /**
   * Records the step about to be taken, with its weight. False unless forward at `fence` with the snapshots taken, and
   * false when a later step was recorded before: one that comes late must not lower what is known to be intended.
   */
  intendStep(releaseId: ReleaseId, fence: number, progress: Progress): Promise<boolean>;
  /** What a look saw at the step last recorded. False when another one was, or the release is not forward at `fence`. */
  noteProgress(releaseId: ReleaseId, fence: number, progress: Progress): Promise<boolean>;
  /**
   * The same, for a look at which the step passes: decides between it and a pause that comes at the same moment.
   * `paused` when the release is paused and nobody wished this step to pass.
   */
  passStep(releaseId: ReleaseId, fence: number, progress: Progress): Promise<'passed' | 'paused' | 'fenced'>;
  /** False unless the release is forward and not paused. A wish whose `key` was taken before is true and changes nothing. */
  pause(releaseId: ReleaseId, pause: Pause, key: string): Promise<boolean>;
  /** False unless the release is forward and paused. */
  resume(releaseId: ReleaseId, key: string): Promise<boolean>;
  /** False unless the release is forward at this step. */
  wishPromotion(releaseId: ReleaseId, wish: PromotionWish, key: string): Promise<boolean>;
  /**
   * Stops everything forward: mode restoring, fence + 1, the first cause and time kept. `undefined` when the release is done;
   * otherwise the fence now in force.
   */
  beginRestore(
    releaseId: ReleaseId,
    cause: readonly Reason[],
    begun?: { readonly at?: string; readonly abortedBy?: Actor },
  ): Promise<{ readonly fence: number; readonly first: boolean } | undefined>;
  /** Traffic was read back; counts only while the fence is still `fence`. False otherwise. */
  noteVerified(releaseId: ReleaseId, verified: NonNullable<Release['verified']>): Promise<boolean>;
  /**
   * The decision how a release ends: mode done. Promotion needs mode forward, `fence`, and traffic verified on the new
   * version at it; anything else needs mode restoring and traffic verified on stable at the present fence. False when
   * the condition doesn't hold.
   */
  decide(
    releaseId: ReleaseId,
    decision: { readonly outcome: Outcome; readonly fence: number; readonly reasons: readonly Reason[] },
  ): Promise<boolean>;
  /** Frees the locks, or the place of one that waits, and takes the release out of `open`. A second call changes nothing. */
  close(release: Release, at: string): Promise<void>;
  noteRecovery(releaseId: ReleaseId, recoveries: number): Promise<void>;
}
