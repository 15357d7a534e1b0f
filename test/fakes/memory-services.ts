import type { RegisteredService } from '#policy/service-definition.ts';
import type { ServiceRegistry } from '#policy/service-registry.ts';

/** The registry in memory. */
export const memoryServices = (): ServiceRegistry => {
  const services = new Map<string, RegisteredService>();
  return {
    get: async (service) => services.get(service),
    list: async ({ after = '', limit }) => {
      const found = [...services.values()]
        .filter(({ service }) => service > after)
        .sort((a, b) => (a.service < b.service ? -1 : 1));
      const last = found[limit - 1]?.service;
      return { services: found.slice(0, limit), ...(found.length > limit && last && { next: last }) };
    },
    put: async (next) => {
      if ((services.get(next.service)?.revision ?? 0) !== next.revision - 1) return false;
      services.set(next.service, next);
      return true;
    },
  };
};
