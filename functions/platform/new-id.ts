import { ulid } from 'ulid';
import { type ReleaseId, releaseIdSchema } from '#platform/ids.ts';

export const newReleaseId = (now: Date): ReleaseId => releaseIdSchema.parse(`rel_${ulid(now.getTime())}`);

/** A plain ULID, for ledger records and problem instances. */
export const newUlid = (now: Date): string => ulid(now.getTime());
