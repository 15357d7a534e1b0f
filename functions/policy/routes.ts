import * as z from 'zod';
import { serviceNameSchema } from '#platform/ids.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes, READERS } from '#platform/route.ts';
import { registeredServiceSchema, serviceDefinitionSchema } from '#policy/service-definition.ts';

const oneService = z.strictObject({ service: serviceNameSchema });

export const serviceRoutes = defineRoutes({
  putService: {
    method: 'PUT',
    path: '/v1/services/{service}',
    summary: 'Register a service, or change its definition',
    roles: ['operator'],
    params: oneService,
    body: serviceDefinitionSchema,
    responses: { 200: registeredServiceSchema },
    problems: [409],
  },
  getService: {
    method: 'GET',
    path: '/v1/services/{service}',
    summary: 'One service and its definition',
    roles: READERS,
    params: oneService,
    responses: { 200: registeredServiceSchema },
    problems: [404],
  },
  listServices: {
    method: 'GET',
    path: '/v1/services',
    summary: 'The registered services',
    roles: READERS,
    query: z.strictObject(pageQuery({ most: 100, usual: 20 })),
    responses: {
      200: z.strictObject({ services: z.array(registeredServiceSchema), next: z.string().optional() }),
    },
  },
});
