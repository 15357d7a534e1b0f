import * as z from 'zod';
import { ROLES } from '#platform/route.ts';

/**
 * Who did something, as the ledger tells it. `authenticated` is true only for an identity taken from a verified token, or
 * named by GitHub or AWS themselves in what they signed or delivered; what an event on the bus says of its sender is
 * recorded as claimed (false).
 */
export const actorSchema = z.strictObject({
  login: z.string().min(1).max(200),
  kind: z.enum(['user', 'pipeline', 'system']),
  authenticated: z.boolean(),
  via: z.enum(['slack', 'github', 'api', 'event', 'workflow']),
});
export type Actor = z.infer<typeof actorSchema>;

/** An API caller: the actor and the roles its token's groups give. */
export const callerSchema = z.strictObject({ actor: actorSchema, roles: z.array(z.enum(ROLES)) });
export type Caller = z.infer<typeof callerSchema>;

/** Sluice itself, acting without a person. */
export const systemActor = (login: string): Actor => ({
  login,
  kind: 'system',
  authenticated: true,
  via: 'workflow',
});
