import type { LedgerWriter } from '#ledger/append.ts';
import type { RecordDraft } from '#ledger/record.ts';
import type { Actor } from '#platform/actor.ts';
import { ConflictError } from '#platform/errors.ts';
import type { RegisteredService, ServiceDefinition } from '#policy/service-definition.ts';
import type { ServiceRegistry } from '#policy/service-registry.ts';

export interface RegisterPorts {
  readonly services: ServiceRegistry;
  readonly ledger: LedgerWriter;
}

export interface Registration {
  readonly service: string;
  readonly definition: ServiceDefinition;
  /** SHA-256 of the definition's canonical form, hex. */
  readonly digest: string;
  readonly by: Actor;
  readonly at: string;
  readonly requestId: string;
}

const serviceRecord = (
  type: 'service.change.intended' | 'service.registered' | 'service.changed',
  next: RegisteredService,
  previous: RegisteredService | undefined,
  by: Actor,
): RecordDraft => ({
  event: { type, timestamp: next.updatedAt },
  change: { service: next.service },
  actor: by,
  data: {
    revision: next.revision,
    digest: next.digest,
    ...(previous && { previousDigest: previous.digest }),
    definition: next.definition,
  },
});

const recordOutcome = async (
  { ledger }: RegisterPorts,
  stored: RegisteredService,
  previous: RegisteredService | undefined,
  by: Actor,
): Promise<void> => {
  const type = stored.revision === 1 ? 'service.registered' : 'service.changed';
  await ledger.append(`service/${stored.service}/${stored.revision}`, [
    serviceRecord(type, stored, previous, by),
  ]);
};

/** For a change that may have been cut off between being stored and being recorded. */
const finishRecording = async (ports: RegisterPorts, stored: RegisteredService, by: Actor): Promise<void> => {
  try {
    await recordOutcome(ports, stored, undefined, by);
  } catch (error) {
    // It was recorded when it was made, with who made it and what was before.
    if (!(error instanceof ConflictError)) throw error;
  }
};

/**
 * Registers a service or changes its definition: intent recorded, stored on the condition that nobody else changed it
 * meanwhile, outcome recorded. The same definition again changes nothing but finishes a change that was cut off.
 * @throws ConflictError when someone else changed it at the same time.
 */
export const registerService = async (
  ports: RegisterPorts,
  registration: Registration,
): Promise<RegisteredService> => {
  const { service, definition, digest, by, at } = registration;
  const previous = await ports.services.get(service);
  if (previous?.digest === digest) {
    await finishRecording(ports, previous, by);
    return previous;
  }
  const next: RegisteredService = {
    service,
    revision: (previous?.revision ?? 0) + 1,
    digest,
    updatedAt: at,
    updatedBy: by.login,
    definition,
  };
  await ports.ledger.append(`service/${service}/${next.revision}/intended/${registration.requestId}`, [
    serviceRecord('service.change.intended', next, previous, by),
  ]);
  if (await ports.services.put(next)) {
    await recordOutcome(ports, next, previous, by);
    return next;
  }
  throw new ConflictError(`${service} was changed by someone else at the same time; read it and try again`);
};
