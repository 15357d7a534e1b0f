import * as z from 'zod';
import type { Actor } from '#platform/actor.ts';
import { InvalidRequestError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { jsonFault } from '#platform/json-faults.ts';
import { shorten, textSchema } from '#platform/text.ts';

/** The envelope of an event on the bus. EventBridge fills in id, account and time; source and detail are the sender's. */
export const busEventSchema = <D extends z.ZodType>(detailType: string, detail: D) =>
  z.object({
    id: z.string().min(1).max(100),
    'detail-type': z.literal(detailType),
    source: textSchema(256),
    account: z.string().min(1).max(20),
    time: z.string(),
    detail,
  });

/** @throws InvalidRequestError naming what is wrong. */
export const parseEvent = <S extends z.ZodType>(schema: S, received: unknown): z.output<S> => {
  const fault = jsonFault(received);
  if (fault !== undefined) throw new InvalidRequestError('the event is not valid', { faults: [fault] });
  return parseOrRefuse(schema, received, 'the event');
};

/** Longer ones would make a release that nobody can read back: see the schema of an actor. */
const LOGIN_MAX = 200;

/** An event proves which account sent it, not which person: whoever it names is recorded as claimed. */
export const claimedActor = (
  { account, source }: { readonly account: string; readonly source: string },
  requestedBy: string | undefined,
): Actor => ({
  login: requestedBy ?? shorten(`${account}:${source}`, LOGIN_MAX),
  kind: 'pipeline',
  authenticated: false,
  via: 'event',
});
