import { createHash, randomUUID } from 'node:crypto';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import { REQUESTED_EVENT } from '../../functions/releases/requested-event.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { isKeptIn, type Kept, keptIn } from './doors/queue.ts';
import { environment, newName, register } from './doors/services.ts';
import { everythingStored, ledgerSize, recordsFrom } from './doors/stored.ts';
import { type SentEvent, wrongEvents } from './doors/wrong-events.ts';
import { awsSettings, ended, eventually, fault, operator, world } from './harness.ts';
import { lockOf } from './invariants.ts';

const REFUSED = 'sluice-refused-requests';
const DOOR = 'sluice-start-release';
const UNDELIVERED = 'sluice-undelivered-requests';

const events = new EventBridgeClient(awsSettings);
const lambda = new LambdaClient({ ...awsSettings, maxAttempts: 1 });

const service = newName('doors');
const functionName = `checkout-${service}`;
const good = { service, environment: 'production', version: '1' };

beforeAll(async () => {
  const target = { kind: 'lambda-alias', functionName, alias: 'live' } as const;
  await register(service, { environments: { production: environment({ target }) } });
});

/** Puts one event on the bus and gives the id that it has there. */
const put = async ({ detail, source = 'test.pipeline' }: SentEvent): Promise<string> => {
  const Detail = typeof detail === 'string' ? detail : JSON.stringify(detail);
  const entry = { EventBusName: world.busName, Source: source, DetailType: REQUESTED_EVENT, Detail };
  const { Entries = [] } = await events.send(new PutEventsCommand({ Entries: [entry] }));
  return Entries[0]?.EventId ?? expect.fail('the bus did not take the event');
};

/** An event as the bus hands it on, for a second delivery. */
const deliver = async (event: object): Promise<string | undefined> => {
  const Payload = Buffer.from(JSON.stringify(event));
  const { FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: DOOR, Payload }));
  return FunctionError;
};

const envelope = (detail: object) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': REQUESTED_EVENT,
  source: 'test.pipeline',
  account: '000000000000',
  time: new Date().toISOString(),
  region: 'us-east-1',
  resources: [],
  detail,
});

const refusalsOf = async (eventId: string, from: number): Promise<readonly LedgerRecord[]> =>
  (await recordsFrom(from)).filter(({ data }) => data.eventId === eventId);

const releases = async () =>
  (await operator.call(releaseRoutes.listReleases, { query: { service, limit: 100 } })).releases;

const WRONG = wrongEvents(good);

describe('an event that can be no release', () => {
  let before: { readonly stored: object; readonly size: number };
  const found = new Map<string, { readonly record: LedgerRecord; readonly kept: Kept }>();

  beforeAll(async () => {
    before = { stored: await everythingStored(), size: await ledgerSize() };
    const sent = await Promise.all(WRONG.map(async (wrong) => ({ wrong, eventId: await put(wrong) })));
    for (const { wrong, eventId } of sent) {
      const kept = await keptIn(REFUSED, eventId);
      const [record, ...more] = await refusalsOf(eventId, before.size);
      if (record === undefined || more.length > 0) throw new Error(`${wrong.what}: not one record`);
      found.set(wrong.what, { record, kept });
    }
  });

  it.each(WRONG)(
    'is recorded with its reason, and kept whole beside it: $what',
    ({ what, detail, named }) => {
      const { record, kept } = found.get(what) ?? expect.fail(`${what} was lost`);
      expect(record.event.type).toBe('release.refused');
      expect(record.data.releaseId).toBeUndefined();
      const reasons = record.data.reasons as readonly { readonly text: string }[];
      expect(reasons.map(({ text }) => text).join('\n')).toContain(named);
      expect(reasons.length).toBeLessThan(30);
      expect(kept.reason).toBeTruthy();
      expect(kept.event).toHaveProperty('detail', typeof detail === 'string' ? JSON.parse(detail) : detail);
      expect(record.data.eventDigest).toBe(createHash('sha256').update(kept.body).digest('hex'));
    },
  );

  it('stores and starts nothing', async () => {
    expect(await everythingStored()).toEqual(before.stored);
  });

  it('is told once, however often it is delivered', async () => {
    const event = envelope({ ...good, version: 'not a version' });
    for (let delivery = 0; delivery < 3; delivery += 1) expect(await deliver(event)).toBeUndefined();
    expect(await refusalsOf(event.id, before.size)).toHaveLength(1);
  });
});

describe('an event while another release is active', () => {
  it('is refused, told once, and the active one goes on', async () => {
    const size = await ledgerSize();
    const held = await fault({
      match: `^GET .*/functions/${functionName}/aliases/`,
      functionName: 'sluice-take-snapshot',
      action: 'hold',
      times: 1_000,
    });
    try {
      const { releaseId } = await operator.call(releaseRoutes.requestRelease, {
        body: good,
        idempotencyKey: randomUUID(),
      });
      const eventId = await put({ detail: good });
      const { reason } = await keptIn(REFUSED, eventId);
      expect(reason).toContain(releaseId);
      expect(await lockOf(service)).toBe(releaseId);
      const [refusal, ...more] = await refusalsOf(eventId, size);
      expect(JSON.stringify(refusal?.data.reasons)).toContain(releaseId);
      expect(more).toEqual([]);
      await held.release();
      expect(await ended(releaseId)).toMatchObject({ event: { type: 'release.refused' } });
      expect(await releases()).toHaveLength(1);
    } finally {
      await held.release();
    }
  });
});

/**
 * EventBridge hands an event on by an asynchronous call, and it is Lambda that tries again and then keeps the event. The
 * local bus calls once, whatever comes of it, so this asks Lambda itself.
 */
const handOn = async (event: object): Promise<void> => {
  const Payload = Buffer.from(JSON.stringify(event));
  await lambda.send(new InvokeCommand({ FunctionName: DOOR, InvocationType: 'Event', Payload }));
};

/** The local CloudFormation leaves out the template's dead-letter queue of a function. */
const giveDeadLetterQueue = async (): Promise<void> => {
  const DeadLetterConfig = { TargetArn: `arn:aws:sqs:us-east-1:000000000000:${UNDELIVERED}` };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: DOOR, DeadLetterConfig }));
  await waitUntilFunctionUpdatedV2(
    { client: lambda, maxWaitTime: 60, minDelay: 0.1, maxDelay: 0.5 },
    { FunctionName: DOOR },
  );
};

describe('an event while the ledger takes no records', () => {
  let down: Awaited<ReturnType<typeof fault>> | undefined;
  beforeAll(giveDeadLetterQueue);
  afterEach(async () => down?.release());

  /** The ledger's writer refuses whatever the event door calls it for. */
  const writerDown = async (times: number) => {
    down = await fault({
      match: 'functions/.*sluice-append-records.*/invocations',
      functionName: DOOR,
      action: 'refuse',
      times,
    });
    return down;
  };

  /** The service's releases that were not there at first, once there is one that has begun. */
  const newRelease = async (known: readonly { readonly releaseId: string }[], ask = async () => {}) =>
    eventually('the release has started', async () => {
      await ask();
      const added = (await releases()).filter(
        ({ releaseId }) => !known.some((old) => old.releaseId === releaseId),
      );
      expect(added.length).toBeLessThan(2);
      return added.find(({ startedAt }) => startedAt !== undefined);
    });

  const acceptancesOf = async (releaseId: string, from: number) =>
    (await recordsFrom(from)).filter(
      ({ event, data }) => event.type === 'release.accepted' && data.releaseId === releaseId,
    );

  it('is tried again, and is one release, recorded once', async () => {
    const [size, known] = [await ledgerSize(), await releases()];
    // One try of the function is two of its client.
    const { hits } = await writerDown(2);
    const event = envelope(good);
    await handOn(event);
    const { releaseId } = await newRelease(known);
    expect(await hits()).toBe(2);
    await ended(releaseId);
    expect(await releases()).toHaveLength(known.length + 1);
    expect(await acceptancesOf(releaseId, size)).toHaveLength(1);
    expect(await isKeptIn(UNDELIVERED, event.id)).toBe(false);
  });

  it('for longer than it is tried is kept whole; the sweep goes on with it, and a redrive has no second effect', async () => {
    const [size, known] = [await ledgerSize(), await releases()];
    const { release } = await writerDown(1_000);
    const [event, wrong] = [envelope(good), envelope({})];
    await Promise.all([event, wrong].map(handOn));
    expect((await keptIn(UNDELIVERED, event.id)).event).toEqual(event);
    expect((await keptIn(UNDELIVERED, wrong.id)).event).toEqual(wrong);
    expect(await refusalsOf(wrong.id, size)).toEqual([]);
    await release();
    const { releaseId } = await newRelease(known, async () => {
      await lambda.send(new InvokeCommand({ FunctionName: 'sluice-recover-release' }));
    });
    await ended(releaseId);
    expect(await deliver(event)).toBeUndefined();
    expect(await deliver(wrong)).toBeUndefined();
    expect(await releases()).toHaveLength(known.length + 1);
    expect(await acceptancesOf(releaseId, size)).toHaveLength(1);
    expect(await refusalsOf(wrong.id, size)).toHaveLength(1);
  });
});
