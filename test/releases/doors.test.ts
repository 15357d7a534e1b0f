import { createHash } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { digestOf } from '#platform/digest.ts';
import { InvalidRequestError } from '#platform/errors.ts';
import { sqsRefusedQueue } from '#releases/adapters/refused-queue.ts';
import { idempotencyScope } from '#releases/keys.ts';
import { eventDigestOf, eventText } from '#releases/refused-event.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { requestRelease } from '#releases/request-release.ts';
import { askedOf } from '#releases/requested-event.ts';
import { ann, NOW, releaseIdOf } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';
import { memoryServices } from '../fakes/memory-services.ts';
import { memorySwitches } from '../fakes/memory-switches.ts';

const detail = { service: 'checkout', environment: 'production', version: '42' };
const event = (overrides: object = {}) => ({
  id: 'e-1',
  'detail-type': 'sluice.release.requested',
  source: 'ci',
  account: '123456789012',
  time: NOW,
  detail,
  ...overrides,
});

describe('an environment named like something every object has', () => {
  it('is an environment that the service does not have', async () => {
    const services = memoryServices();
    await services.put(aRegisteredService());
    const releases = memoryReleases();
    const request = releaseRequestSchema.parse({ ...detail, environment: 'constructor' });
    const ports = {
      services,
      productionStrategies: ['canary'] as const,
      switches: memorySwitches(),
      releases,
      ledger: memoryLedger(),
      executions: memoryExecutions(),
      now: () => NOW,
    };
    const asked = requestRelease(ports, {
      request,
      requestedBy: ann,
      key: 'k',
      requestDigest: digestOf(request),
      releaseId: releaseIdOf(1),
      at: NOW,
    });
    await expect(asked).rejects.toBeInstanceOf(InvalidRequestError);
    expect(await releases.open()).toEqual([]);
  });
});

describe('an idempotency key', () => {
  it("can't be chosen so that it is somebody else's", () => {
    const scopes = [
      ['api', 'a', 'b#c'],
      ['api', 'a#b', 'c'],
      ['api', 'a%23b', 'c'],
      ['api#a', 'b', 'c'],
      ['api', 'a', 'b', 'c'],
    ].map((parts) => idempotencyScope(...parts));
    expect(new Set(scopes).size).toBe(scopes.length);
  });
});

describe('an event that asks for a release', () => {
  it('is asked by whom it claims, else by its account and source, in words that a release can hold', () => {
    expect(askedOf(event({ detail: { ...detail, requestedBy: 'bob' } })).requestedBy.login).toBe('bob');
    expect(askedOf(event()).requestedBy).toEqual({
      login: '123456789012:ci',
      kind: 'pipeline',
      authenticated: false,
      via: 'event',
    });
    expect(askedOf(event({ source: 's'.repeat(256) })).requestedBy.login).toHaveLength(200);
  });

  it.each([
    ['no object', 'text', ''],
    ['another detail type', event({ 'detail-type': 'sluice.release.promoted' }), 'detail-type'],
    ['a source that no key can hold', event({ source: '\ud800' }), 'source'],
    ['a list for a detail', event({ detail: [detail] }), 'detail'],
    ['no detail', event({ detail: undefined }), 'detail'],
    ['an unknown key', event({ detail: { ...detail, weight: 5 } }), 'detail.weight'],
    ['a key that copies drop', event({ detail: JSON.parse('{"__proto__":1}') }), 'detail.__proto__'],
    [
      'a number beyond all numbers',
      event({ detail: { ...detail, firstStageWeightPercent: 1e300 } }),
      'detail.firstStageWeightPercent',
    ],
  ])('is refused with %s, by name', (_, received, path) => {
    try {
      askedOf(received);
      expect.fail('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect((error as InvalidRequestError).faults.map((fault) => fault.path)).toContain(path);
    }
  });
});

describe('the queue of refused events', () => {
  it('is sent only what SQS takes, whole, and found by the digest in the ledger', async () => {
    const sqs = mockClient(SQSClient);
    sqs.on(SendMessageCommand).resolves({});
    const hostile = { detail: { text: 'a\uffff\ufffe\u0000\u001f\ud800🚀', key: 'é' } };
    const text = eventText(hostile);
    await sqsRefusedQueue(new SQSClient({ region: 'eu-west-1' }), 'https://queue').send(text, 'wrong\n🚀');
    const { input } = sqs.commandCalls(SendMessageCommand)[0]?.args[0] ?? {};
    const body = input?.MessageBody ?? '';
    expect(JSON.parse(body)).toEqual(hostile);
    // The characters that SendMessage documents as allowed.
    expect(body).toMatch(/^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u);
    expect(input?.MessageAttributes?.reason?.StringValue).toMatch(/^[\x20-\x7e]+$/);
    expect(eventDigestOf(hostile)).toBe(createHash('sha256').update(body).digest('hex'));
  });
});
