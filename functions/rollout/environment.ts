import * as z from 'zod';
import { releaseEnvironment } from '#releases/environment.ts';

/** What every function needs that may have to bring traffic back. */
export const restoreEnvironment = { ...releaseEnvironment, LATE_RECORDS_QUEUE_URL: z.string() };
