import type { LedgerWriter } from '#ledger/append.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import type { Actor } from '#platform/actor.ts';
import { ConflictError } from '#platform/errors.ts';
import {
  type EnvironmentState,
  type Freeze,
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
  change: FreezeChange,
  replaced: Freeze | undefined,
): RecordDraft => ({
  event: { type, timestamp: change.at },
  change: { environment: change.environment },
  actor: change.by,
  data: {
    reason: change.reason,
    ...(change.until !== undefined && { until: change.until }),
    ...(replaced && { replaced }),
  },
});

const recordOutcome = async (
  { ledger }: FreezePorts,
  revision: number,
  change: FreezeChange,
  replaced: Freeze | undefined,
): Promise<void> => {
  const { done } = TYPES[change.until === undefined ? 'thaw' : 'freeze'];
  await ledger.append(`environment/${change.environment}/${revision}`, [
    freezeRecord(done, change, replaced),
  ]);
};

/** For a change that may have been cut off between being stored and being recorded. */
const finishRecording = async (
  ports: FreezePorts,
  present: EnvironmentState,
  change: FreezeChange,
): Promise<void> => {
  if (present.keys.at(-1) !== keptAs(change)) return;
  try {
    await recordOutcome(ports, present.revision, change, undefined);
  } catch (error) {
    // It was recorded when it was made, with what it replaced.
    if (!(error instanceof ConflictError)) throw error;
  }
};

/**
 * Freezes an environment or thaws it: intent recorded, stored on the condition that nobody else changed it meanwhile,
 * outcome recorded. A freeze while there is one replaces it. The same change again changes nothing but finishes one that
 * was cut off.
 * @throws ConflictError when someone else changed it at the same time, or there is nothing to thaw.
 */
export const changeFreeze = async (ports: FreezePorts, change: FreezeChange): Promise<EnvironmentState> => {
  const { environment, until, reason, by, at } = change;
  const present = await ports.environments.readEnvironment(environment);
  if (wasMade(present, change)) {
    await finishRecording(ports, present, change);
    return present;
  }
  const replaced = freezeAt(present, at);
  if (until === undefined && replaced === undefined) throw new ConflictError(`${environment} is not frozen`);
  const revision = present.revision + 1;
  const { intended } = TYPES[until === undefined ? 'thaw' : 'freeze'];
  await ports.ledger.append(`environment/${environment}/${revision}/intended/${change.key}`, [
    freezeRecord(intended, change, replaced),
  ]);
  const next: EnvironmentState = {
    environment,
    revision,
    ...(until !== undefined && { freeze: { until, reason, by, at } }),
    keys: [...present.keys, keptAs(change)].slice(-KEYS_KEPT),
  };
  if (!(await ports.environments.putEnvironment(next)))
    throw new ConflictError(
      `${environment} was changed by someone else at the same time; look at it and try again`,
    );
  await recordOutcome(ports, revision, change, replaced);
  return next;
};
