import * as z from 'zod';
import { textSchema } from '#platform/text.ts';

/** What a hook is asked, as JSON. The same key for every call of one hook of one release, however often it comes. */
export interface HookRequest {
  readonly protocol: 1;
  readonly hook: string;
  readonly idempotencyKey: string;
  readonly releaseId: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly wave: string;
  readonly at: 'before-traffic' | 'after-promotion' | { readonly stage: number };
  readonly parameters: Readonly<Record<string, string>>;
}

/** What it answers. `pending` is asked again, until its time is over. */
export const hookAnswerSchema = z.strictObject({
  result: z.enum(['passed', 'failed', 'pending']),
  text: textSchema(500).optional(),
});
export type HookAnswer = z.infer<typeof hookAnswerSchema>;
