import * as z from 'zod';
import { releaseIdSchema } from '#platform/ids.ts';
import { defineRoutes } from '#platform/route.ts';
import { textSchema } from '#platform/text.ts';

export const commandRoutes = defineRoutes({
  commandRelease: {
    method: 'POST',
    path: '/v1/releases/{releaseId}/commands',
    summary: 'Abort a release: traffic goes back to the stable version at once',
    roles: ['operator'],
    idempotent: true,
    params: z.strictObject({ releaseId: releaseIdSchema }),
    body: z.strictObject({
      command: z.enum(['abort']),
      reason: textSchema(500),
    }),
    responses: {
      202: z.strictObject({
        releaseId: releaseIdSchema,
        command: z.enum(['abort']),
        traffic: z.enum(['restored', 'nothing-moved']),
      }),
    },
    problems: [404, 409],
  },
});
