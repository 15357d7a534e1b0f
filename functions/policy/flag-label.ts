import type { FlagsVersion } from '#policy/flag-store.ts';
import { STACK_LABEL } from '#policy/flags-document-schema.ts';
import { type KillSwitch, killSwitchSchema } from '#policy/kill-switches.ts';

/** What a change through the API labels its version with: which switch it is about, and something that is one of a kind. */
export const flagLabel = (flag: KillSwitch, id: string): string => `sluice-${flag}-${id}`;

/** Whoever may write to AppConfig may write a label too: it tells an oversight, CloudTrail tells a forgery. */
export const madeBy = (label: string | undefined): FlagsVersion['madeBy'] => {
  if (label === STACK_LABEL) return { kind: 'stack' };
  const flag = killSwitchSchema.safeParse(/^sluice-([A-Za-z]+)-./.exec(label ?? '')?.[1]).data;
  return flag === undefined ? { kind: 'outside' } : { kind: 'api', flag };
};
