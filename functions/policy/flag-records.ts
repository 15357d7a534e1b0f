import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { type Actor, systemActor } from '#platform/actor.ts';
import { PRODUCTION } from '#platform/ids.ts';
import type { FlagsVersion } from '#policy/flag-store.ts';
import type { NotedState, SwitchNote } from '#policy/flags-document-schema.ts';
import {
  exposesProduction,
  KILL_SWITCHES,
  type KillSwitch,
  OFF_MEANS,
  type SwitchState,
} from '#policy/kill-switches.ts';

/** A record and the batch that it is alone in. */
export interface Told {
  readonly batch: string;
  readonly draft: RecordDraft;
}

const reachesProduction = ({ on, offIn }: SwitchState): boolean => !on || offIn.includes(PRODUCTION);

const typeOf = (flag: KillSwitch, state: SwitchState): LedgerEventType => {
  if (exposesProduction(flag, state)) return 'flag.auto-rollback-off';
  return state.on && state.offIn.length === 0 ? 'flag.switched-on' : 'flag.switched-off';
};

const draftOf = (
  type: LedgerEventType,
  actor: Actor,
  timestamp: string,
  states: readonly SwitchState[],
  data: Readonly<Record<string, unknown>>,
): RecordDraft => ({
  event: { type, timestamp },
  change: {},
  actor,
  ...(states.some(reachesProduction) && { compliance: { riskLevel: 'high' as const } }),
  data,
});

export interface Change {
  readonly flag: KillSwitch;
  readonly state: SwitchState;
  readonly reason: string;
  readonly by: Actor;
  readonly at: string;
  readonly requestId: string;
}

export const intendedChange = (
  { flag, state, reason, by, at, requestId }: Change,
  before: SwitchState,
): Told => ({
  batch: `flag/${flag}/${requestId}/intended`,
  draft: draftOf('flag.change.intended', by, at, [before, state], { flag, before, state, reason }),
});

const changedBy = ({ by, kind }: SwitchNote): Actor => ({ login: by, kind, authenticated: true, via: 'api' });

/**
 * What a deployed version has to tell: the change that it was made for, from its own content alone, so that whoever
 * finds it untold tells the same; or that it was made around the API. Nothing of the stack's first one.
 */
export const tellDeployed = ({ version, states, madeBy }: FlagsVersion, seenAt: string): Told | undefined => {
  switch (madeBy.kind) {
    case 'stack':
      return undefined;
    case 'outside':
      return {
        batch: `flags/${version}/drifted`,
        draft: draftOf(
          'flag.drifted',
          systemActor('serve-flags'),
          seenAt,
          KILL_SWITCHES.map((flag) => states[flag].state),
          { version, states: Object.fromEntries(KILL_SWITCHES.map((flag) => [flag, states[flag].state])) },
        ),
      };
    case 'api': {
      const { flag } = madeBy;
      const { state, note }: NotedState = states[flag];
      if (note === undefined) return undefined;
      return {
        batch: `flags/${version}/deployed`,
        draft: draftOf(typeOf(flag, state), changedBy(note), note.at, [state], {
          flag,
          state,
          reason: note.reason,
          version,
          ...(!(state.on && state.offIn.length === 0) && { means: OFF_MEANS[flag] }),
        }),
      };
    }
    default:
      return madeBy satisfies never;
  }
};
