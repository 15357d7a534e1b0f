import * as z from 'zod';

/** Where a target is. Left out it is in the stack's own region; what is named by ARN is where its ARN says. */
export const regionSchema = z
  .string()
  .regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1');

/** The regions as an environment variable carries them: a JSON list. */
export const regionsVariable = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(regionSchema));
