import type { Release } from '#releases/release.ts';
import type { GuardAlarm } from '#rollout/judge/look.ts';

/** Asks for alarms by their names. Those that there are not are not in the answer; any trouble is a TransientError. */
export interface AlarmReader {
  states(names: readonly string[]): Promise<readonly GuardAlarm[]>;
}

/** A release's guard alarms as a look finds them. */
export interface Guards {
  readonly alarms: readonly GuardAlarm[];
  /** Names whose state could not be found out: a guard that nobody hears is no guard. */
  readonly unknown: readonly string[];
}

export const NO_GUARDS: Guards = { alarms: [], unknown: [] };

/** The alarms that were asked for, and which of them there are not. */
export const guardsOf = (names: readonly string[], alarms: readonly GuardAlarm[]): Guards => ({
  alarms,
  unknown: names.filter((name) => alarms.every((alarm) => alarm.name !== name)),
});

/** @param onTrouble told why the alarms could not be read, which makes all of them unknown */
export const readGuards = async (
  reader: AlarmReader,
  { guardAlarms: names = [] }: Pick<Release, 'guardAlarms'>,
  onTrouble: (error: unknown) => void,
): Promise<Guards> => {
  if (names.length === 0) return NO_GUARDS;
  try {
    return guardsOf(names, await reader.states(names));
  } catch (error) {
    onTrouble(error);
    return { alarms: [], unknown: names };
  }
};

/**
 * Why a release must not begin: a guard that is raised already would only roll it back, and one that there is not would
 * never. Undefined when nothing is against it.
 */
export const guardFault = ({ alarms, unknown }: Guards): string | undefined => {
  if (unknown.length > 0)
    return `there is no guard alarm ${unknown.join(', ')} in this account and region; register the service with the right names`;
  const raised = alarms.filter(({ state }) => state === 'ALARM').map(({ name }) => name);
  return raised.length === 0
    ? undefined
    : `guard alarm ${raised.join(', ')} is in ALARM; nothing is released before it is over`;
};

/** @throws TransientError when the alarms can't be read. */
export const guardsAgainst = async (
  reader: AlarmReader,
  { guardAlarms: names = [] }: Pick<Release, 'guardAlarms'>,
): Promise<string | undefined> =>
  names.length === 0 ? undefined : guardFault(guardsOf(names, await reader.states(names)));
