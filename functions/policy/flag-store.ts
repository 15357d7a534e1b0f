import type { NotedStates } from '#policy/flags-document-schema.ts';
import type { KillSwitch } from '#policy/kill-switches.ts';

/** One version of the flags, whether or not it is deployed. */
export interface FlagsVersion {
  readonly version: number;
  readonly states: NotedStates;
  /** What it was made by: the stack, a change through the API (of this switch), or something around both. */
  readonly madeBy:
    | { readonly kind: 'stack' | 'outside' }
    | { readonly kind: 'api'; readonly flag: KillSwitch };
}

export interface FlagsNow {
  readonly deployed: FlagsVersion;
  /** The newest, where it is a change through the API that was cut off before it was ever deployed. */
  readonly cutOff?: FlagsVersion;
  /** Number of the newest version. */
  readonly newest: number;
}

/** Where the flags are kept and made known from. */
export interface FlagStore {
  read(): Promise<FlagsNow>;
  /** Makes the version after `newest`. Undefined when somebody else made one first. */
  write(states: NotedStates, flag: KillSwitch, newest: number): Promise<FlagsVersion | undefined>;
  /**
   * Makes a version known at once, and waits until it is: stops the deployment that is in its way, unless that is of a
   * later version, which holds this one's change.
   * @throws TransientError when it doesn't come to an end in time; the next change, or the same one, takes it up.
   */
  deploy(version: number): Promise<void>;
}
