import type { ServiceRegistry } from '#policy/service-registry.ts';

const PAGE = 100;

/** Whether any registered service is released into an environment of this name. */
export const isKnownEnvironment = async (
  services: Pick<ServiceRegistry, 'list'>,
  environment: string,
): Promise<boolean> => {
  let after: string | undefined;
  do {
    const page = await services.list({ limit: PAGE, ...(after !== undefined && { after }) });
    if (page.services.some(({ definition }) => Object.hasOwn(definition.environments, environment)))
      return true;
    after = page.next;
  } while (after !== undefined);
  return false;
};
