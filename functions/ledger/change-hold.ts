import type { LedgerWriter } from '#ledger/append.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import type { HoldChange, HoldFilter, Holds, LegalHold } from '#ledger/legal-hold.ts';
import { instantOf } from '#ledger/query-schemas.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';

export interface HoldStore {
  /** Consistent; all of them, at one revision. */
  read(): Promise<Holds>;
  /** Puts a hold at the next revision; false when somebody changed the holds since `revision`. */
  put(hold: LegalHold, revision: number): Promise<boolean>;
}

export interface HoldPorts {
  readonly holds: HoldStore;
  readonly ledger: LedgerWriter;
}

/** Others change holds about never: whoever loses this often has another trouble. */
const TRIES = 4;

const told = (
  type: LedgerEventType,
  { holdId, filter }: LegalHold,
  { reason, by, at }: HoldChange,
): RecordDraft => ({
  event: { type, timestamp: at },
  change: filter.service === undefined ? {} : { service: filter.service },
  actor: by,
  // Not `releaseId`: that names the release whose own record this is, and such a record would be under the hold itself.
  data: { holdId, filter, reason },
});

/** Puts a hold where it acts, whatever else happens to other holds meanwhile. */
const store = async (
  { holds }: HoldPorts,
  change: (present: Holds) => LegalHold | undefined,
): Promise<void> => {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const present = await holds.read();
    const hold = change(present);
    if (hold === undefined || (await holds.put(hold, present.revision))) return;
  }
  throw new TransientError('the holds were changed by others at the same time: try again');
};

const find = ({ holds }: Holds, holdId: string): LegalHold | undefined =>
  holds.find((hold) => hold.holdId === holdId);

const isSame = (a: LegalHold, b: LegalHold): boolean =>
  JSON.stringify([a.filter, a.reason, a.by.login]) === JSON.stringify([b.filter, b.reason, b.by.login]);

/** With its instants spelt as records have them, and its members in one order. */
const normal = ({ from, to, ...rest }: HoldFilter): HoldFilter => {
  const filter = { ...rest, from: instantOf(from), to: instantOf(to) };
  return Object.fromEntries(
    Object.entries(filter)
      .filter(([, value]) => value !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
};

/**
 * Puts a legal hold: intent recorded, put where archiver and redaction look, outcome recorded. The same hold again changes
 * nothing, and finishes one that was cut off.
 * @throws ConflictError when the id was used for another hold.
 */
export const putHold = async (
  ports: HoldPorts,
  wanted: { readonly holdId: string; readonly filter: HoldFilter } & HoldChange,
): Promise<LegalHold> => {
  const { holdId, reason, by, at } = wanted;
  const hold: LegalHold = { holdId, filter: normal(wanted.filter), reason, by, at };
  const before = find(await ports.holds.read(), holdId);
  if (before !== undefined && !isSame(before, hold))
    throw new ConflictError('this idempotency key was used for another hold; use a new key');
  await ports.ledger.append(`hold/${holdId}/intended`, [told('ledger.hold.put.intended', hold, hold)]);
  await store(ports, (present) => (find(present, holdId) === undefined ? hold : undefined));
  await ports.ledger.append(`hold/${holdId}/put`, [told('ledger.hold.put', hold, hold)]);
  return find(await ports.holds.read(), holdId) ?? hold;
};

/**
 * Lifts a hold; `key` names the request, so that its tries record one intent. Lifting one that is lifted changes nothing, and finishes a lifting that was cut off: what is recorded is the
 * one that took effect.
 */
export const liftHold = async (
  ports: HoldPorts,
  { holdId, key, ...change }: { readonly holdId: string; readonly key: string } & HoldChange,
): Promise<LegalHold> => {
  const hold = find(await ports.holds.read(), holdId);
  if (hold === undefined)
    throw new NotFoundError(`there is no hold ${holdId}; GET /v1/audit/holds lists them`);
  if (hold.lifted === undefined)
    await ports.ledger.append(`hold/${holdId}/lift/${key}/intended`, [
      told('ledger.hold.lift.intended', hold, change),
    ]);
  await store(ports, (present) =>
    find(present, holdId)?.lifted === undefined ? { ...hold, lifted: change } : undefined,
  );
  const lifted = find(await ports.holds.read(), holdId) ?? hold;
  await ports.ledger.append(`hold/${holdId}/lifted`, [
    told('ledger.hold.lifted', lifted, lifted.lifted ?? change),
  ]);
  return lifted;
};
