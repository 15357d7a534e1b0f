import * as z from 'zod';
import { releaseRequestedDetailSchema } from '#releases/release-request.ts';

export const REQUESTED_EVENT = 'sluice.release.requested';

/** The envelope that EventBridge itself fills in; only the detail is the sender's. */
export const requestedEventSchema = z.object({
  id: z.string().min(1).max(100),
  'detail-type': z.literal(REQUESTED_EVENT),
  source: z.string(),
  account: z.string(),
  time: z.string(),
  detail: releaseRequestedDetailSchema,
});
export type RequestedEvent = z.infer<typeof requestedEventSchema>;
