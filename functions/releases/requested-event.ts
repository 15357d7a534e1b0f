import * as z from 'zod';
import { digestOf } from '#platform/digest.ts';
import { InvalidRequestError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { jsonFault } from '#platform/json-faults.ts';
import { shorten, textSchema } from '#platform/text.ts';
import type { Asked } from '#releases/asked.ts';
import { idempotencyScope } from '#releases/keys.ts';
import { releaseRequestedDetailSchema } from '#releases/release-request.ts';

export const REQUESTED_EVENT = 'sluice.release.requested';

/** The envelope. EventBridge fills in id, account and time; source and detail are the sender's. */
const requestedEventSchema = z.object({
  id: z.string().min(1).max(100),
  'detail-type': z.literal(REQUESTED_EVENT),
  source: textSchema(256),
  account: z.string().min(1).max(20),
  time: z.string(),
  detail: releaseRequestedDetailSchema,
});

/** Longer ones would make a release that nobody can read back: see the schema of an actor. */
const LOGIN_MAX = 200;

/**
 * What an event asks for, and who by its own account. Without a key, the event's own id is one, so that a redelivery has
 * no effect.
 * @throws InvalidRequestError naming what is wrong.
 */
export const askedOf = (received: unknown): Omit<Asked, 'releaseId' | 'at'> => {
  const fault = jsonFault(received);
  if (fault !== undefined) throw new InvalidRequestError('the event is not valid', { faults: [fault] });
  const { account, source, id, detail } = parseOrRefuse(requestedEventSchema, received, 'the event');
  const { requestedBy, idempotencyKey, ...request } = detail;
  return {
    request,
    requestedBy: {
      login: requestedBy ?? shorten(`${account}:${source}`, LOGIN_MAX),
      kind: 'pipeline',
      authenticated: false,
      via: 'event',
    },
    key: idempotencyScope('event', account, source, idempotencyKey ?? id),
    requestDigest: digestOf(request),
  };
};
