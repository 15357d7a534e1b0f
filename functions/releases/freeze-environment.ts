import type { LedgerWriter } from '#ledger/append.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import type { Actor } from '#platform/actor.ts';
import { ConflictError } from '#platform/errors.ts';
import {
  type EnvironmentState,
  type FreezeChanged,
  type FreezeStore,
  freezeAt,
  KEYS_KEPT,
} from '#releases/freeze.ts';

export interface FreezePorts {
  readonly environments: FreezeStore;
  readonly ledger: LedgerWriter;
}

export interface FreezeChange {
  readonly environment: string;
  /** Until when nothing starts; undefined thaws. */
  readonly until: string | undefined;
  readonly reason: string;
  readonly by: Actor;
  readonly at: string;
  /** Names the change: given again, it has no further effect. */
  readonly key: string;
}

const TYPES = {
  freeze: { intended: 'environment.freeze.intended', done: 'environment.frozen' },
  thaw: { intended: 'environment.thaw.intended', done: 'environment.thawed' },
} as const satisfies Record<string, Record<string, LedgerEventType>>;

const keptAs = ({ key, until, reason }: FreezeChange): string => JSON.stringify([key, until ?? null, reason]);

/** @throws ConflictError when the key was used for another change. */
const wasMade = ({ keys }: EnvironmentState, change: FreezeChange): boolean => {
  if (keys.includes(keptAs(change))) return true;
  if (keys.some((kept) => kept.startsWith(`[${JSON.stringify(change.key)},`)))
    throw new ConflictError('this idempotency key was used for another change; use a new key');
  return false;
};

const freezeRecord = (
  type: LedgerEventType,
  environment: string,
  { until, reason, by, at, replaced }: FreezeChanged,
): RecordDraft => ({
  event: { type, timestamp: at },
  change: { environment },
  actor: by,
  data: { reason, ...(until !== undefined && { until }), ...(replaced && { replaced }) },
});

/** From what is stored alone, so that whoever comes after one that was cut off tells the same. */
const recordOutcome = async (
  { ledger }: FreezePorts,
  { environment, revision, changed }: EnvironmentState,
): Promise<void> => {
  if (changed === undefined) return;
  const { done } = TYPES[changed.until === undefined ? 'thaw' : 'freeze'];
  await ledger.append(`environment/${environment}/${revision}`, [freezeRecord(done, environment, changed)]);
};

/**
 * Freezes an environment or thaws it: intent recorded, stored on the condition that nobody else changed it meanwhile,
 * outcome recorded. A freeze while there is one replaces it. The same change again changes nothing; whatever change comes
 * next finishes one that was cut off between being stored and being recorded.
 * @throws ConflictError when someone else changed it at the same time, or there is nothing to thaw.
 */
export const changeFreeze = async (ports: FreezePorts, change: FreezeChange): Promise<EnvironmentState> => {
  const { environment, until, reason, by, at } = change;
  const present = await ports.environments.readEnvironment(environment);
  await recordOutcome(ports, present);
  if (wasMade(present, change)) return present;
  const replaced = freezeAt(present, at);
  if (until === undefined && replaced === undefined) throw new ConflictError(`${environment} is not frozen`);
  const revision = present.revision + 1;
  const { intended } = TYPES[until === undefined ? 'thaw' : 'freeze'];
  const changed: FreezeChanged = {
    ...(until !== undefined && { until }),
    reason,
    by,
    at,
    ...(replaced && { replaced }),
  };
  await ports.ledger.append(`environment/${environment}/${revision}/intended/${change.key}`, [
    freezeRecord(intended, environment, changed),
  ]);
  const next: EnvironmentState = {
    environment,
    revision,
    ...(until !== undefined && { freeze: { until, reason, by, at } }),
    changed,
    keys: [...present.keys, keptAs(change)].slice(-KEYS_KEPT),
  };
  const stored = (await ports.environments.putEnvironment(next)) ? next : await storedBefore(ports, change);
  await recordOutcome(ports, stored);
  return stored;
};

/** A write whose answer was lost is sent again by the client, and then refused because of itself. */
const storedBefore = async (
  { environments }: FreezePorts,
  change: FreezeChange,
): Promise<EnvironmentState> => {
  const present = await environments.readEnvironment(change.environment);
  if (wasMade(present, change)) return present;
  throw new ConflictError(
    `${change.environment} was changed by someone else at the same time; look at it and try again`,
  );
};
