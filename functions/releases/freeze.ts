import * as z from 'zod';
import { actorSchema } from '#platform/actor.ts';
import type { Fault } from '#platform/errors.ts';
import { environmentNameSchema } from '#platform/ids.ts';
import type { Strategy } from '#policy/strategy-schema.ts';

/** No release starts in an environment before `until`; those on their way go on, and what brings traffic back always may. */
export const freezeSchema = z.strictObject({
  until: z.iso.datetime(),
  reason: z.string(),
  by: actorSchema,
  at: z.iso.datetime(),
});
export type Freeze = z.infer<typeof freezeSchema>;

/** Who froze or thawed, as the record of it tells. */
const freezeChangedSchema = z.strictObject({
  /** Of a freeze; a thaw has none. */
  until: z.iso.datetime().optional(),
  reason: z.string(),
  by: actorSchema,
  at: z.iso.datetime(),
  replaced: freezeSchema.optional(),
});
export type FreezeChanged = z.infer<typeof freezeChangedSchema>;

/** What is known of an environment beside its services: whether it was frozen, and by which change of how many. */
export const environmentStateSchema = z.strictObject({
  environment: environmentNameSchema,
  /** Rises by one with each change; 0 when there was none. */
  revision: z.int().min(0),
  /** The last one, which may be over. */
  freeze: freezeSchema.optional(),
  /** The last change, so that whoever finds it unrecorded can record it. */
  changed: freezeChangedSchema.optional(),
  /** Keys of the latest changes: one that comes again, however late, is known for what it is. */
  keys: z.array(z.string()),
});
export type EnvironmentState = z.infer<typeof environmentStateSchema>;

/** Keys that are remembered: far more than people freeze and thaw while a late request is still under way. */
export const KEYS_KEPT = 50;

/** Environments and their freezes. A release is reserved in one write with the check that there is none in force. */
export interface FreezeStore {
  /** Consistent. */
  readEnvironment(environment: string): Promise<EnvironmentState>;
  /** Stores revision n on the condition that n − 1 is there (or nothing, for 1). False when it isn't. */
  putEnvironment(state: EnvironmentState): Promise<boolean>;
}

/** A freeze keeps new things out. What brings an old one back always may. */
export const isFrozenOut = ({ strategy }: { readonly strategy: Strategy }): boolean =>
  strategy !== 'rollback';

/** The freeze in force at `at`. */
export const freezeAt = ({ freeze }: Pick<EnvironmentState, 'freeze'>, at: string): Freeze | undefined =>
  freeze !== undefined && Date.parse(freeze.until) > Date.parse(at) ? freeze : undefined;

export const describeFreeze = (environment: string, { by, until, reason }: Freeze): string =>
  `${environment} is frozen by ${by.login} until ${until}: ${reason}`;

/** Longer is a mistake in the year, or a rule, which has no end and belongs to the service's definition. */
const FREEZE_DAYS_MAX = 366;

/** What is wrong with the end of a freeze that is to begin at `at`. */
export const untilFault = (until: string, at: string): Fault | undefined => {
  const days = (Date.parse(until) - Date.parse(at)) / 86_400_000;
  if (days <= 0) return { path: 'until', message: `must be in the future, and it is ${at} by now` };
  if (days > FREEZE_DAYS_MAX)
    return { path: 'until', message: `must be within ${FREEZE_DAYS_MAX} days of now` };
  return undefined;
};
