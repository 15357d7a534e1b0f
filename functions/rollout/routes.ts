import * as z from 'zod';
import { environmentNameSchema, releaseIdSchema } from '#platform/ids.ts';
import { defineRoutes } from '#platform/route.ts';
import { textSchema } from '#platform/text.ts';
import { abortAllResultSchema } from '#rollout/abort-all-schema.ts';
import { COMMANDS } from '#rollout/command-names.ts';
import { commandOrderSchema } from '#rollout/command-order-schema.ts';

export const commandRoutes = defineRoutes({
  commandRelease: {
    method: 'POST',
    path: '/v1/releases/{releaseId}/commands',
    summary:
      'Promote, pause or resume a release, abort it (traffic goes back at once), or retry one that has ended',
    roles: ['operator'],
    idempotent: true,
    params: z.strictObject({ releaseId: releaseIdSchema }),
    body: commandOrderSchema,
    responses: {
      202: z.strictObject({
        releaseId: releaseIdSchema,
        command: z.enum(COMMANDS),
        /** What it will do, or did. */
        text: z.string(),
        /** Of an abort: where traffic is. */
        traffic: z.enum(['restored', 'nothing-moved']).optional(),
        /** Of a retry: the new release. */
        retriedAs: releaseIdSchema.optional(),
      }),
    },
    problems: [404, 409],
  },
  abortAll: {
    method: 'POST',
    path: '/v1/environments/{environment}/abort-all',
    summary: 'Bring the traffic of every release in an environment back; safe to repeat',
    roles: ['operator'],
    idempotent: true,
    params: z.strictObject({ environment: environmentNameSchema }),
    body: z.strictObject({ reason: textSchema(500) }),
    responses: {
      /** Each is restored and read back, or had ended. */
      200: abortAllResultSchema,
      /** Some is not: the results say which. Repeat it. */
      207: abortAllResultSchema,
    },
  },
});
