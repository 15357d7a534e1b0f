import * as z from 'zod';
import { textSchema } from '#platform/text.ts';
import { COMMANDS } from '#rollout/command-names.ts';

/** A command as it is given, through whichever door. */
export const commandOrderSchema = z.strictObject({
  command: z.enum(COMMANDS),
  reason: textSchema(500),
});
