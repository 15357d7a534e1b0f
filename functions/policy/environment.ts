import * as z from 'zod';

/** What every function needs that asks for the kill switches. */
export const switchesEnvironment = {
  FLAGS_APPLICATION: z.string(),
  FLAGS_ENVIRONMENT: z.string(),
  FLAGS_PROFILE: z.string(),
  FLAGS_KEPT_SECONDS: z.coerce.number().int().min(1),
};
