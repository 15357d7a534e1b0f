import type { AlarmReader } from '#rollout/guards.ts';
import type { GuardAlarm } from '#rollout/judge/look.ts';

export interface MemoryAlarms extends AlarmReader {
  set(name: string, state: GuardAlarm['state']): void;
}

/** Alarms in memory; one that nobody set is one that there is not. */
export const memoryAlarms = (): MemoryAlarms => {
  const states = new Map<string, GuardAlarm['state']>();
  return {
    set: (name, state) => {
      states.set(name, state);
    },
    states: async (names) =>
      names.flatMap((name) => {
        const state = states.get(name);
        return state === undefined ? [] : [{ name, state }];
      }),
  };
};
