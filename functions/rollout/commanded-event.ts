import { digestOf } from '#platform/digest.ts';
import { idempotencyKeySchema, releaseIdSchema } from '#platform/ids.ts';
import { textSchema } from '#platform/text.ts';
import { busEventSchema, claimedActor, parseEvent } from '#releases/bus-event.ts';
import type { Command } from '#rollout/command.ts';
import { commandOrderSchema } from '#rollout/command-order-schema.ts';

export const COMMANDED_EVENT = 'sluice.release.commanded';

/**
 * What the bus takes for a command. An event proves which account sent it, not which person: `requestedBy` is recorded
 * as claimed. Without a key, the event's own id is one, so that a redelivery has no effect.
 */
const commandedEventSchema = busEventSchema(
  COMMANDED_EVENT,
  commandOrderSchema.extend({
    releaseId: releaseIdSchema,
    requestedBy: textSchema(200).optional(),
    idempotencyKey: idempotencyKeySchema.optional(),
  }),
);

/**
 * What an event commands, and who by its own account.
 * @throws InvalidRequestError naming what is wrong.
 */
export const commandOf = (received: unknown, at: string): Command => {
  const event = parseEvent(commandedEventSchema, received);
  const { account, source, id, detail } = event;
  const { releaseId, command, reason, requestedBy, idempotencyKey } = detail;
  return {
    name: command,
    releaseId,
    reason,
    by: claimedActor(event, requestedBy),
    key: digestOf(['event', account, source, idempotencyKey ?? id]),
    at,
  };
};
