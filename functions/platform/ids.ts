import * as z from 'zod';

const ULID = '[0-7][0-9A-HJKMNP-TV-Z]{25}';

/** `rel_` and a ULID: sorts by the time of the request. */
export const releaseIdSchema = z
  .string()
  .regex(new RegExp(`^rel_${ULID}$`), 'must be a release id: rel_ and 26 characters')
  .brand<'ReleaseId'>();
export type ReleaseId = z.infer<typeof releaseIdSchema>;

/** A service's name as people type it; safe in a key, a path and an execution name. */
export const serviceNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'must be 1 to 40 lower-case letters, digits and hyphens, starting with a letter',
  );

export const environmentNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,19}$/,
    'must be 1 to 20 lower-case letters, digits and hyphens, starting with a letter',
  );

/** The environment that has rules of its own. */
export const PRODUCTION = 'production';

/** Chosen by the caller: the same key and the same request have one effect. */
export const idempotencyKeySchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');
