import * as z from 'zod';
import { controlSchema } from '#ledger/controls.ts';
import { discloseRecords, type ReadPersonal } from '#ledger/disclose-records.ts';
import { eventTypeSchema } from '#ledger/event-types.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import { actorLoginSchema, instantSchema, reasonSchema } from '#ledger/query-schemas.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { matches } from '#ledger/record-filter.ts';
import { recordOf } from '#ledger/stored-record.ts';
import { type Actor, actorSchema } from '#platform/actor.ts';
import { releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';

export const holdIdSchema = z.string().regex(/^hold_[0-9a-f]{26}$/, 'must be a hold id: hold_ and 26 digits');

/** Which records a hold is on: all that is given must be true of them, and something must be. */
export const holdFilterSchema = z
  .strictObject({
    release: releaseIdSchema.optional(),
    service: serviceNameSchema.optional(),
    /** The actor's login, exactly. */
    actor: actorLoginSchema.optional(),
    control: controlSchema.optional(),
    type: eventTypeSchema.optional(),
    /** When it happened: from this instant on, and before that one. */
    from: instantSchema.optional(),
    to: instantSchema.optional(),
  })
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), {
    error: 'must name something; to hold everything, give a `from` before the first record',
  });
export type HoldFilter = z.infer<typeof holdFilterSchema>;

export const legalHoldSchema = z.strictObject({
  holdId: holdIdSchema,
  filter: holdFilterSchema,
  reason: reasonSchema,
  by: actorSchema,
  at: z.iso.datetime(),
  lifted: z.strictObject({ reason: reasonSchema, by: actorSchema, at: z.iso.datetime() }).exactOptional(),
});
export type LegalHold = z.infer<typeof legalHoldSchema>;

export interface HoldChange {
  readonly reason: string;
  readonly by: Actor;
  readonly at: string;
}

/** All holds, lifted ones included, as they were when so many changes had been made to them. */
export interface Holds {
  readonly revision: number;
  readonly holds: readonly LegalHold[];
}

export const inForce = ({ holds }: Holds): readonly LegalHold[] =>
  holds.filter(({ lifted }) => lifted === undefined);

export const covers = ({ filter: { release, ...filter } }: LegalHold, record: LedgerRecord): boolean =>
  (release === undefined || record.data.releaseId === release) && matches(record, filter);

/** The first of the holds in force that covers one of these records. */
export const holdOn = async (
  holds: Holds,
  stored: readonly StoredRecord[],
  personal: ReadPersonal,
): Promise<LegalHold | undefined> => {
  const candidates = inForce(holds);
  if (candidates.length === 0) return undefined;
  const records = await discloseRecords(stored.map(recordOf), personal);
  return candidates.find((hold) => records.some((record) => covers(hold, record)));
};
