import * as z from 'zod';
import { releaseIdSchema } from '#platform/ids.ts';
import { defineRoutes } from '#platform/route.ts';
import { textSchema } from '#platform/text.ts';
import { COMMANDS } from '#rollout/command-names.ts';

export const commandRoutes = defineRoutes({
  commandRelease: {
    method: 'POST',
    path: '/v1/releases/{releaseId}/commands',
    summary: 'Promote, pause or resume a release, or abort it: then traffic goes back at once',
    roles: ['operator'],
    idempotent: true,
    params: z.strictObject({ releaseId: releaseIdSchema }),
    body: z.strictObject({
      command: z.enum(COMMANDS),
      reason: textSchema(500),
    }),
    responses: {
      202: z.strictObject({
        releaseId: releaseIdSchema,
        command: z.enum(COMMANDS),
        /** What it will do, or did. */
        text: z.string(),
        /** Of an abort: where traffic is. */
        traffic: z.enum(['restored', 'nothing-moved']).optional(),
      }),
    },
    problems: [404, 409],
  },
});
