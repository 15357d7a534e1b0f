import { digestOf } from '#platform/digest.ts';
import type { Asked } from '#releases/asked.ts';
import { busEventSchema, claimedActor, parseEvent } from '#releases/bus-event.ts';
import { idempotencyScope } from '#releases/keys.ts';
import { releaseRequestedDetailSchema } from '#releases/release-request.ts';

export const REQUESTED_EVENT = 'sluice.release.requested';

const requestedEventSchema = busEventSchema(REQUESTED_EVENT, releaseRequestedDetailSchema);

/**
 * What an event asks for, and who by its own account. Without a key, the event's own id is one, so that a redelivery has
 * no effect.
 * @throws InvalidRequestError naming what is wrong.
 */
export const askedOf = (received: unknown): Omit<Asked, 'releaseId' | 'at'> => {
  const event = parseEvent(requestedEventSchema, received);
  const { account, source, id, detail } = event;
  const { requestedBy, idempotencyKey, ...request } = detail;
  return {
    request,
    requestedBy: claimedActor(event, requestedBy),
    key: idempotencyScope('event', account, source, idempotencyKey ?? id),
    requestDigest: digestOf(request),
  };
};
