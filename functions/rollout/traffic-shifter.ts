import type { Snapshot } from '#releases/release.ts';

/** Where a target's traffic goes now. */
export interface Routing {
  /** What gets all the traffic that no weight sends elsewhere. */
  readonly primary: string;
  /** Percent of traffic by version, without the primary. */
  readonly weights: Readonly<Record<string, number>>;
  /**
   * Changes with every write to the routing, also with one that changes nothing else; a write that names an older one
   * is refused. Read before the fence, it makes a write that was overtaken by a restore fail.
   */
  readonly revision: string;
}

/** What is found when a release is about to begin. */
export type Inspection =
  | { readonly kind: 'fit'; readonly snapshot: Omit<Snapshot, 'takenAt'> }
  | { readonly kind: 'unfit'; readonly code: string; readonly text: string };

export interface CanaryWeight {
  readonly stable: string;
  readonly canary: string;
  /** Percent of all traffic, 0 to 100. */
  readonly weightPercent: number;
}

/**
 * Moves one kind of target's traffic. Writes are conditional on the revision read before (a lost race is a
 * ConflictError); only `restore` may go without one, and then wins. All throw TransientError for passing trouble.
 */
export interface TrafficShifter<Target> {
  /** Whether `version` can be rolled out on the target as it is now, and what stable is. Changes nothing. */
  inspect(target: Target, version: string): Promise<Inspection>;
  readRouting(target: Target): Promise<Routing>;
  setWeight(target: Target, weight: CanaryWeight, revision: string): Promise<void>;
  /** Makes `version` the primary, alone. */
  promote(target: Target, version: string, revision: string): Promise<void>;
  /** Makes the stable version the primary, alone. Always writes, also when it already is: that invalidates older revisions. */
  restore(target: Target, stable: string, revision?: string): Promise<void>;
}
