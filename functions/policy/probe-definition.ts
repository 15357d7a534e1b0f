import * as z from 'zod';
import { outboundUrlSchema } from '#policy/outbound-schema.ts';

/** An answer's status: 200 to 299 unless one is named. Redirects are answers too and are not followed. */
const expectStatus = z.int().min(200).max(599);

/**
 * Requests that Sluice itself makes at each look, to find a version that answers nobody before its callers do. `url`
 * reaches the new version, or the traffic that it has its share of; `baselineUrl` the stable version alone.
 */
export const probeDefinitionSchema = z.strictObject({
  url: outboundUrlSchema,
  expectStatus: expectStatus.optional(),
  timeoutSeconds: z.number().min(0.1).max(5).default(3),
  attemptsPerLook: z.int().min(1).max(10).default(3),
  baselineUrl: outboundUrlSchema.optional(),
});
export type ProbeDefinition = z.infer<typeof probeDefinitionSchema>;
