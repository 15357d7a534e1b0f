import * as z from 'zod';
import { hostPatternsVariable, reachSchema } from '#policy/outbound-schema.ts';
import { releaseEnvironment } from '#releases/environment.ts';

/** What every function needs that may have to bring traffic back. */
export const restoreEnvironment = { ...releaseEnvironment, LATE_RECORDS_QUEUE_URL: z.string() };

/** Where a function may call to when a service's definition names a URL. */
export const outboundEnvironment = { PROBE_HOSTS: hostPatternsVariable, OUTBOUND_REACH: reachSchema };
