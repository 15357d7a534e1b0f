import * as z from 'zod';
import { textSchema } from '#platform/text.ts';

/** Whoever needs more makes a composite alarm of them. */
const GUARDS_MAX = 10;

/**
 * Names of CloudWatch alarms, metric or composite ones, in the stack's account and region. One in ALARM brings traffic
 * back.
 */
export const guardAlarmsSchema = z
  .array(textSchema(255))
  .min(1)
  .max(GUARDS_MAX)
  .refine((names) => new Set(names).size === names.length, { message: 'must name each alarm once' });
