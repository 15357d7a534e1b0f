import type { LedgerWriter } from '#ledger/append.ts';
import { ConflictError } from '#platform/errors.ts';
import { type Change, intendedChange, type Told, tellDeployed } from '#policy/flag-records.ts';
import type { FlagStore, FlagsNow, FlagsVersion } from '#policy/flag-store.ts';
import type { NotedStates, SwitchNote } from '#policy/flags-document-schema.ts';
import { isSameState } from '#policy/kill-switches.ts';

export interface FlagPorts {
  readonly flags: FlagStore;
  readonly ledger: LedgerWriter;
}

const tell = async ({ ledger }: FlagPorts, told: Told | undefined): Promise<void> => {
  if (told !== undefined) await ledger.append(told.batch, [told.draft]);
};

/** The flags as they are, with whatever their version has to tell in the ledger. */
export const seeFlags = async (ports: FlagPorts, at: string): Promise<FlagsNow> => {
  const now = await ports.flags.read();
  await tell(ports, tellDeployed(now.deployed, at));
  return now;
};

/** Only people and pipelines come through the API. */
const noteOf = ({ by, reason, at }: Change): SwitchNote => ({
  by: by.login,
  kind: by.kind === 'pipeline' ? 'pipeline' : 'user',
  at,
  reason,
});

/** Whether the change that a version was made for is in force. */
const holds = (deployed: FlagsVersion, { states, madeBy }: FlagsVersion): boolean =>
  madeBy.kind === 'api' && isSameState(deployed.states[madeBy.flag].state, states[madeBy.flag].state);

/**
 * Deployed and told; then looked at again, because whoever may use AppConfig may have deployed something else. `made` are
 * the versions whose changes come into force by it, oldest first: a later version, built on them, may be deployed before
 * them or in their stead, and what it is found to tell is its own change alone.
 */
const bringOut = async (
  ports: FlagPorts,
  made: readonly [...FlagsVersion[], FlagsVersion],
  { flag, state, at }: Change,
): Promise<FlagsVersion> => {
  await ports.flags.deploy(Math.max(...made.map(({ version }) => version)));
  const { deployed } = await ports.flags.read();
  for (const version of made) if (holds(deployed, version)) await tell(ports, tellDeployed(version, at));
  await tell(ports, tellDeployed(deployed, at));
  if (isSameState(deployed.states[flag].state, state)) return deployed;
  throw new ConflictError(
    `${flag} was changed by someone else at the same time; read the flags and decide again`,
  );
};

/**
 * Switches something off or on: intent recorded, a version made on the condition that nobody made another one meanwhile,
 * deployed, outcome recorded. Asked for what is so already it makes nothing new, and finishes a change that was cut off.
 * @throws ConflictError when someone else changed the flags at the same time.
 */
export const changeFlag = async (ports: FlagPorts, change: Change): Promise<FlagsVersion> => {
  const { flag, state, at } = change;
  const { deployed, cutOff, newest } = await seeFlags(ports, at);
  const base = cutOff ?? deployed;
  const before = base.states[flag].state;
  if (isSameState(before, state)) return cutOff === undefined ? deployed : bringOut(ports, [cutOff], change);
  const { batch, draft } = intendedChange(change, before);
  await ports.ledger.append(batch, [draft]);
  const next: NotedStates = { ...base.states, [flag]: { state, note: noteOf(change) } };
  const made = await ports.flags.write(next, flag, newest);
  if (made === undefined)
    throw new ConflictError(
      'the flags were changed by someone else at the same time; read them and decide again',
    );
  return bringOut(ports, cutOff === undefined ? [made] : [cutOff, made], change);
};
