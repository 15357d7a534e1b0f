import * as z from 'zod';
import { textSchema } from '#platform/text.ts';

/** A login as an actor may have it; characters that no eye sees are refused, they would only find nothing. */
export const actorLoginSchema = textSchema(200).refine((login) => !/[\p{Cc}\ufffd]/u.test(login), {
  message: 'must have no control characters',
});

export const instantSchema = z.iso.datetime({
  offset: true,
  error: 'must be an instant as in 2026-01-31T12:00:00Z',
});

/** One spelling of an instant, as records have it. */
export const instantOf = <T extends string | undefined>(time: T): T =>
  (time === undefined ? time : new Date(time).toISOString()) as T;

export const reasonSchema = textSchema(500);
