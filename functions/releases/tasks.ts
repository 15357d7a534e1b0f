import * as z from 'zod';
import { releaseIdSchema } from '#platform/ids.ts';
import { defineTasks } from '#platform/task.ts';
import { outcomeSchema } from '#releases/release.ts';

/** The tasks of the workflows that this slice answers. */
export const releaseTasks = defineTasks({
  AdmitRelease: {
    input: z.strictObject({ releaseId: releaseIdSchema, attempt: z.int().min(1) }),
    output: z.discriminatedUnion('go', [
      z.strictObject({
        go: z.literal('forward'),
        fence: z.int(),
        steps: z.int().min(0),
      }),
      /** Stopped or concluded before the workflow came to it. */
      z.strictObject({ go: z.literal('back') }),
    ]),
    functionTimeoutSeconds: 20,
  },
  ConcludeRelease: {
    input: z.strictObject({ releaseId: releaseIdSchema, wanted: z.enum(['promoted', 'restored']) }),
    output: z.strictObject({ outcome: outcomeSchema }),
    functionTimeoutSeconds: 20,
  },
});
