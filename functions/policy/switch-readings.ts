import { ALL_ON, type SwitchStates } from '#policy/kill-switches.ts';

/** The switches as they are now, and how that is known. */
export interface SwitchReading {
  readonly states: SwitchStates;
  /** `last-known`: they can't be read now. `built-in`: they never could; all are on then. */
  readonly from: 'read' | 'last-known' | 'built-in';
}

/** The kill switches. Never fails: what stands in their way must not stop a release, nor a restore. */
export interface Switches {
  read(): Promise<SwitchReading>;
}

interface Keeping {
  /** Asks for the switches, within its own time limit. */
  readonly ask: () => Promise<SwitchStates>;
  /** How long an answer, or its absence, is good for. */
  readonly keepSeconds: number;
  readonly now: () => number;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Keeps what was read for some seconds, so that a look costs no call, and the last that was read for as long as there is
 * no other. An attempt that failed is kept as long as one that did not: a dead AppConfig is not waited for at each look.
 */
export const keptSwitches = ({ ask, keepSeconds, now, onTrouble }: Keeping): Switches => {
  let known: SwitchStates | undefined;
  let present: { readonly reading: SwitchReading; readonly until: number } | undefined;
  const readAnew = async (): Promise<SwitchReading> => {
    try {
      known = await ask();
      return { states: known, from: 'read' };
    } catch (error) {
      onTrouble(error);
      return known === undefined
        ? { states: ALL_ON, from: 'built-in' }
        : { states: known, from: 'last-known' };
    }
  };
  return {
    read: async () => {
      if (present === undefined || present.until <= now()) {
        const reading = await readAnew();
        present = { reading, until: now() + keepSeconds * 1_000 };
      }
      return present.reading;
    },
  };
};
