import * as z from 'zod';

/**
 * Text that people or programs hand in. Half of a surrogate pair is refused at the door: JSON can carry it, UTF-8 and so
 * the ledger can't, and a release could then never be recorded as ended.
 */
export const textSchema = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed(), { message: 'must be well-formed Unicode' });

/** No longer than `max`, and still well-formed where the cut went through a surrogate pair. */
export const shorten = (text: string, max: number): string => text.slice(0, max).toWellFormed();

/** JSON as a queue takes it: with the two characters escaped that JSON allows and SQS does not. */
export const queueText = (value: unknown): string =>
  (JSON.stringify(value) ?? '').replaceAll('\ufffe', '\\ufffe').replaceAll('\uffff', '\\uffff');
