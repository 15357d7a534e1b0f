import * as z from 'zod';
import { environmentNameSchema, serviceNameSchema } from '#platform/ids.ts';
import { defineRoutes, READERS } from '#platform/route.ts';
import { findingSchema, STATUSES } from '#rollout/doctor/finding.ts';

const status = z.enum(STATUSES);

export const doctorRoutes = defineRoutes({
  examineService: {
    method: 'GET',
    path: '/v1/services/{service}/doctor',
    summary: 'What would keep a release of the service from going well, before there is one',
    roles: READERS,
    params: z.strictObject({ service: serviceNameSchema }),
    query: z.strictObject({ environment: environmentNameSchema.optional() }),
    responses: {
      200: z.strictObject({
        service: serviceNameSchema,
        /** The worst of all. */
        status,
        examinedAt: z.iso.datetime(),
        environments: z.array(
          z.strictObject({
            environment: environmentNameSchema,
            status,
            findings: z.array(findingSchema),
          }),
        ),
      }),
    },
    problems: [404],
  },
});
