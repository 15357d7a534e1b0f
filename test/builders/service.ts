import type * as z from 'zod';
import { digestOf } from '#platform/digest.ts';
import {
  type RegisteredService,
  type ServiceDefinition,
  serviceDefinitionSchema,
} from '#policy/service-definition.ts';
import { checkoutTarget, NOW } from './release.ts';

type Definition = z.input<typeof serviceDefinitionSchema>;

/** Checkout, as its team would write it: production, staging, nothing that has a default. */
export const definitionInput = (overrides: Partial<Definition> = {}): Definition => ({
  owner: 'team-pay',
  environments: {
    production: { target: checkoutTarget, metrics: { source: 'cloudwatch', invokedBy: 'event' } },
    staging: {
      target: { ...checkoutTarget, alias: 'staging' },
      plan: 'rapid',
      metrics: { source: 'cloudwatch', invokedBy: 'event' },
    },
  },
  ...overrides,
});

export const aDefinition = (overrides: Partial<Definition> = {}): ServiceDefinition =>
  serviceDefinitionSchema.parse(definitionInput(overrides));

export const aRegisteredService = (overrides: Partial<RegisteredService> = {}): RegisteredService => {
  const definition = overrides.definition ?? aDefinition();
  return {
    service: 'checkout',
    revision: 1,
    digest: digestOf(definition),
    updatedAt: NOW,
    updatedBy: 'ann',
    definition,
    ...overrides,
  };
};
