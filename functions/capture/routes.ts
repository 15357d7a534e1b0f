import * as z from 'zod';
import { defineRoutes } from '#platform/route.ts';

export const captureRoutes = defineRoutes({
  receiveGithub: {
    method: 'POST',
    path: '/v1/integrations/github',
    summary: 'Where webhooks of GitHub are delivered; captured is what will be a record',
    roles: 'signed',
    responses: { 202: z.strictObject({ delivery: z.string(), captured: z.boolean() }) },
  },
});
