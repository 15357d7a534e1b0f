import * as z from 'zod';
import { serviceNameSchema } from '#platform/ids.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes, READERS } from '#platform/route.ts';
import { textSchema } from '#platform/text.ts';
import { killSwitchSchema, switchStateSchema } from '#policy/kill-switches.ts';
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
    responses: {
      200: registeredServiceSchema.extend({
        /** What may go wrong with its targets, by their paths; it is registered all the same. */
        warnings: z.array(z.string()).optional(),
      }),
    },
    problems: [403, 409],
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

const { on, offIn } = switchStateSchema.shape;

/** One switch as the API shows it; who set it so, when anybody did. */
const flagViewSchema = z.strictObject({
  flag: killSwitchSchema,
  on,
  offIn,
  offMeans: z.string(),
  changed: z.strictObject({ by: z.string(), at: z.iso.datetime(), reason: z.string() }).optional(),
});

export const flagRoutes = defineRoutes({
  listFlags: {
    method: 'GET',
    path: '/v1/flags',
    summary: 'The kill switches, and what it means that one is off',
    roles: READERS,
    responses: {
      200: z.strictObject({
        flags: z.array(flagViewSchema),
        version: z.int().min(1),
        /** Whether this version was made around the API: then the ledger has no word of who did it, and why. */
        changedOutside: z.boolean(),
      }),
    },
  },
  putFlag: {
    method: 'PUT',
    path: '/v1/flags/{flag}',
    summary: 'Switch something off or on, everywhere or in some environments',
    roles: ['operator'],
    params: z.strictObject({ flag: killSwitchSchema }),
    body: switchStateSchema.safeExtend({ reason: textSchema(500) }),
    responses: {
      200: flagViewSchema.extend({
        version: z.int().min(1),
        /** How long functions may still go by what they read before. */
        inForceWithinSeconds: z.int(),
      }),
    },
    problems: [409],
  },
});
