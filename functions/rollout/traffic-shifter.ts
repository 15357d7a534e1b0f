import type { Snapshot } from '#releases/release.ts';

/** Where a target's traffic goes now. */
export interface Routing {
  /** What gets all the traffic that no weight sends elsewhere. */
  readonly primary: string;
  /** Percent of traffic by version, without the primary. */
  readonly weights: Readonly<Record<string, number>>;
  /** What testers get, whatever the weights; absent on a target that doesn't tell them apart. */
  readonly testers?: string;
  /** Callers stay with the version that they met first, whatever the weights. */
  readonly sticky?: true;
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

/** What of a target keeps releases from beginning, told as `inspect` would tell it. */
export interface Unfitness {
  readonly code: string;
  readonly text: string;
}

/** What is there without a release in sight. A target without `unfit` takes any version that exists and fits. */
export type Examination =
  | { readonly kind: 'absent'; readonly text: string }
  | {
      readonly kind: 'found';
      readonly routing: Routing;
      /** Longest a request may run, seconds; metrics settle that much later. */
      readonly timeoutSeconds?: number;
      /** Where versions stand, as a snapshot has it. */
      readonly places?: Snapshot['places'];
      readonly unfit: readonly Unfitness[];
    };

export interface CanaryWeight {
  readonly stable: string;
  readonly canary: string;
  /** Percent of all traffic, 0 to 100. Above 0 the target's testers, where it knows any, get the canary too. */
  readonly weightPercent: number;
  /** Testers get the canary at a weight of 0 as well, where nobody else does. */
  readonly preview?: true;
  /** Callers stay with the version that they met first: for an experiment, whose counts they would blur otherwise. */
  readonly sticky?: true;
}

/** Whether a version could take traffic now. `text` says what is still to come, or why it never will. */
export type Preparation =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting'; readonly text: string }
  | { readonly kind: 'unfit'; readonly code: string; readonly text: string };

/** Asked right before each effect on the target: whether it is still this release's to make. */
export type MayWrite = () => Promise<boolean>;

/**
 * Moves one kind of target's traffic. Writes are conditional on the revision read before (a lost race is a
 * ConflictError); only `restore` may go without one, and then wins. All throw TransientError for passing trouble.
 */
export interface TrafficShifter<Target> {
  /** Whether `version` can be rolled out on the target as it is now, and what stable is. Changes nothing. */
  inspect(target: Target, version: string): Promise<Inspection>;
  /**
   * One step towards `version` being able to take its share of traffic. Moves no traffic and never waits: whoever calls
   * it calls again while it says `waiting`. Repeating it is safe, also while the version has traffic.
   */
  prepare(target: Target, version: string, mayWrite: MayWrite): Promise<Preparation>;
  /** What there is, and whether a release could begin on it at all. Changes nothing. */
  examine(target: Target): Promise<Examination>;
  readRouting(target: Target): Promise<Routing>;
  setWeight(target: Target, weight: CanaryWeight, revision: string): Promise<void>;
  /** Makes `version` the primary, alone. */
  promote(target: Target, version: string, revision: string): Promise<void>;
  /**
   * Makes the stable version the primary, alone. Always writes, also when it already is: that invalidates older revisions.
   * Where too little of it runs any more, a TransientError says so, having asked for more, and traffic stays meanwhile.
   */
  restore(target: Target, stable: string, revision?: string): Promise<void>;
  /**
   * Gives back what `prepare` took, wherever no traffic goes: for the end of a release, however it ended. `mayWrite` is
   * asked again after the write, and what was given back is taken again when it no longer may.
   */
  retire(target: Target, mayWrite: MayWrite): Promise<void>;
}

/** For targets on which every version that exists can take traffic at once. */
export const ALWAYS_PREPARED: Pick<TrafficShifter<unknown>, 'prepare' | 'retire'> = {
  prepare: async () => ({ kind: 'ready' }),
  retire: async () => undefined,
};
