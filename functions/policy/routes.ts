import * as z from 'zod';
import { serviceNameSchema } from '#platform/ids.ts';
import { defineRoutes } from '#platform/route.ts';
import { registeredServiceSchema, serviceDefinitionSchema } from '#policy/service-definition.ts';

const oneService = z.strictObject({ service: serviceNameSchema });
const everyone = ['viewer', 'requester', 'approver', 'operator', 'auditor'] as const;

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
    roles: everyone,
    params: oneService,
    responses: { 200: registeredServiceSchema },
    problems: [404],
  },
  listServices: {
    method: 'GET',
    path: '/v1/services',
    summary: 'The registered services',
    roles: everyone,
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(100).default(20),
      cursor: z.string().max(100).optional(),
    }),
    responses: {
      200: z.strictObject({ services: z.array(registeredServiceSchema), next: z.string().optional() }),
    },
  },
});
