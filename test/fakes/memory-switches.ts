import { ALL_ON, type KillSwitch, type SwitchStates } from '#policy/kill-switches.ts';
import type { Switches } from '#policy/switch-readings.ts';

export interface MemorySwitches extends Switches {
  /** Everywhere, or in the environments named. */
  switchOff(name: KillSwitch, ...environments: string[]): void;
}

/** The kill switches in memory, all on. */
export const memorySwitches = (): MemorySwitches => {
  let states: SwitchStates = ALL_ON;
  return {
    read: async () => ({ states, from: 'read' }),
    switchOff: (name, ...offIn) => {
      states = { ...states, [name]: offIn.length === 0 ? { on: false, offIn } : { on: true, offIn } };
    },
  };
};
