import { describe, expect, it } from 'vitest';
import { digestOf } from '#platform/digest.ts';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { type RegisterPorts, type Registration, registerService } from '#policy/register-service.ts';
import { ann, bob, NOW } from '../builders/release.ts';
import { aDefinition } from '../builders/service.ts';
import { hooked } from '../fakes/hooked.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryServices } from '../fakes/memory-services.ts';

const LATER = '2026-03-02T08:00:00.000Z';
let requests = 0;

const registration = (overrides: Partial<Registration> = {}): Registration => {
  const definition = overrides.definition ?? aDefinition();
  return {
    service: 'checkout',
    definition,
    digest: digestOf(definition),
    by: ann,
    at: NOW,
    requestId: `request-${++requests}`,
    ...overrides,
  };
};

const aRegistry = () => {
  const ports = { services: memoryServices(), ledger: memoryLedger() };
  const told = () => ports.ledger.records.map(({ event }) => event.type);
  return { ports, told };
};

/** The same ports, where the first call of `call` fails, before or after its effect. */
const cutOff = (ports: RegisterPorts, call: string, when: 'before' | 'after', number = 1): RegisterPorts => {
  let calls = 0;
  const hooks = {
    [when]: (method: string) => {
      if (method === call && ++calls === number) throw new TransientError('no answer');
    },
  };
  return { services: hooked(ports.services, hooks), ledger: hooked(ports.ledger, hooks) };
};

describe('registering a service', () => {
  it('tells the intent, stores revision 1 and tells the outcome', async () => {
    const { ports } = aRegistry();
    const asked = registration();
    const stored = await registerService(ports, asked);
    expect(stored).toMatchObject({ service: 'checkout', revision: 1, updatedAt: NOW, updatedBy: 'ann' });
    expect(await ports.services.get('checkout')).toEqual(stored);
    expect(ports.ledger.records).toMatchObject([
      { event: { type: 'service.change.intended' }, actor: ann, data: { revision: 1, digest: asked.digest } },
      { event: { type: 'service.registered' }, actor: ann, data: { revision: 1, digest: asked.digest } },
    ]);
  });

  it('and changing it tells what was before', async () => {
    const { ports, told } = aRegistry();
    const first = await registerService(ports, registration());
    const definition = aDefinition({ owner: 'team-cart' });
    const second = await registerService(ports, registration({ definition, by: bob, at: LATER }));
    expect(second).toMatchObject({ revision: 2, updatedAt: LATER, updatedBy: 'bob' });
    expect(told().slice(2)).toEqual(['service.change.intended', 'service.changed']);
    expect(ports.ledger.records.at(-1)?.data).toMatchObject({ previousDigest: first.digest, revision: 2 });
  });

  it('again as it is changes and tells nothing, whoever asks and whatever its revision', async () => {
    const { ports, told } = aRegistry();
    await registerService(ports, registration());
    const changed = registration({ definition: aDefinition({ owner: 'team-cart' }) });
    const stored = await registerService(ports, changed);
    const before = told().length;
    for (const by of [ann, bob])
      expect(await registerService(ports, registration({ ...changed, by, at: LATER }))).toEqual(stored);
    expect(told()).toHaveLength(before);
  });

  it('at the same time as someone else is a conflict for one of the two, and nothing is lost', async () => {
    const { ports, told } = aRegistry();
    await registerService(ports, registration());
    const [one, other] = ['team-a', 'team-b'].map((owner) =>
      registration({ definition: aDefinition({ owner }) }),
    );
    if (one === undefined || other === undefined) throw new Error('two of them');
    const settled = await Promise.allSettled([registerService(ports, one), registerService(ports, other)]);
    const lost = settled.filter((result) => result.status === 'rejected');
    expect(lost).toHaveLength(1);
    expect(lost[0]?.reason).toBeInstanceOf(ConflictError);
    expect((await ports.services.get('checkout'))?.revision).toBe(2);
    expect(told().filter((type) => type === 'service.changed')).toHaveLength(1);
  });

  it('stores nothing that the ledger did not take an intent of', async () => {
    const { ports } = aRegistry();
    ports.ledger.down = true;
    await expect(registerService(ports, registration())).rejects.toBeInstanceOf(TransientError);
    expect(await ports.services.get('checkout')).toBeUndefined();
  });

  for (const [name, call, when, number] of [
    ['after its intent', 'append', 'after', 1],
    ['before it was stored', 'put', 'before', 1],
    ['after it was stored', 'put', 'after', 1],
    ['before its outcome was told', 'append', 'before', 2],
    ['after its outcome was told', 'append', 'after', 2],
  ] as const)
    it(`that is cut off ${name} is finished by a repetition: one revision, one outcome`, async () => {
      const { ports, told } = aRegistry();
      const asked = registration();
      const failing = cutOff(ports, call, when, number);
      await expect(registerService(failing, asked)).rejects.toBeInstanceOf(TransientError);
      const again = registration({ ...asked, requestId: 'again' });
      expect((await registerService(ports, again)).revision).toBe(1);
      expect(told().filter((type) => type === 'service.registered')).toHaveLength(1);
      expect(told()[0]).toBe('service.change.intended');
    });
});
