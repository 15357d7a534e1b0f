import type { RegisteredService } from '#policy/service-definition.ts';

/** The registered services. Reads are consistent. */
export interface ServiceRegistry {
  get(service: string): Promise<RegisteredService | undefined>;
  /** All of them by name, a page at a time. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
  }): Promise<{ readonly services: readonly RegisteredService[]; readonly next?: string }>;
  /** Stores revision n on the condition that n − 1 is there (or nothing, for 1). False when it isn't. */
  put(service: RegisteredService): Promise<boolean>;
}
