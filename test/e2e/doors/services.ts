import { randomBytes } from 'node:crypto';
import type * as z from 'zod';
import { serviceRoutes } from '../../../functions/policy/routes.ts';
import type { serviceDefinitionSchema } from '../../../functions/policy/service-definition.ts';
import { operator } from '../harness.ts';

type Definition = z.input<typeof serviceDefinitionSchema>;
type Settings = Definition['environments'][string];

/** A name that no other test has. */
export const newName = (what: string): string => `${what}-${randomBytes(4).toString('hex')}`;

/**
 * Where releases go of a service without a function: they are taken in, and refused before any traffic moves. A target
 * of its own each time, because one target takes one release at a time.
 */
export const environment = (overrides: Partial<Settings> = {}): Settings => ({
  target: { kind: 'lambda-alias', functionName: newName('checkout'), alias: 'live' },
  metrics: { source: 'cloudwatch', invokedBy: 'event' },
  ...overrides,
});

export const register = (service: string, definition: Definition) =>
  operator.call(serviceRoutes.putService, { params: { service }, body: definition });
