import { randomUUID } from 'node:crypto';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect } from 'vitest';
import { ApiProblem } from '../../cli/api-client.ts';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { REQUESTED_EVENT } from '../../functions/releases/requested-event.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { abort, awsSettings, ended, eventually, operator, withService, world } from './harness.ts';
import { expectSound, lockOf } from './invariants.ts';

const events = new EventBridgeClient(awsSettings);
const lambda = new LambdaClient(awsSettings);

const releasesOf = async (service: string) =>
  (await operator.call(releaseRoutes.listReleases, { query: { service, limit: 100 } })).releases;

describe.concurrent('one request, one effect', () => {
  withService('makes one release of an event that is delivered three times', async ({ service }) => {
    const event = {
      version: '0',
      id: randomUUID(),
      'detail-type': REQUESTED_EVENT,
      source: 'test.pipeline',
      account: '000000000000',
      time: new Date().toISOString(),
      region: 'us-east-1',
      resources: [],
      detail: { service: service.service, environment: 'production', version: VARIANTS.good.version },
    };
    const deliver = () =>
      lambda.send(
        new InvokeCommand({
          FunctionName: 'sluice-start-release',
          Payload: Buffer.from(JSON.stringify(event)),
        }),
      );
    const answers = await Promise.all([deliver(), deliver(), deliver()]);
    expect(answers.map(({ FunctionError }) => FunctionError)).toEqual([undefined, undefined, undefined]);
    const releases = await releasesOf(service.service);
    expect(releases).toHaveLength(1);
    const [release] = releases;
    if (release) await abort(release.releaseId);
  });

  withService(
    'makes one release of three events of one key on the bus, and records who asked as claimed',
    async ({ service }) => {
      const detail = {
        service: service.service,
        environment: 'production',
        version: VARIANTS.good.version,
        requestedBy: 'somebody',
        idempotencyKey: randomUUID(),
      };
      const entry = {
        EventBusName: world.busName,
        Source: 'test.pipeline',
        DetailType: REQUESTED_EVENT,
        Detail: JSON.stringify(detail),
      };
      await events.send(new PutEventsCommand({ Entries: [entry, entry, entry] }));
      const release = await eventually(
        'the event is a release',
        async () => (await releasesOf(service.service))[0],
      );
      await ended(release.releaseId);
      await expectSound(service, release.releaseId, { outcome: 'promoted', runs: VARIANTS.good.version });
      expect(await releasesOf(service.service)).toHaveLength(1);
      expect(release.requestedBy).toMatchObject({ login: 'somebody', authenticated: false, via: 'event' });
    },
  );

  withService(
    'runs exactly one of twenty concurrent requests, and tells the others which',
    async ({ service }) => {
      const answers = await Promise.allSettled(
        Array.from({ length: 20 }, () => service.request(VARIANTS.good.version)),
      );
      const accepted = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
      const refused = answers
        .filter((answer) => answer.status === 'rejected')
        .map(({ reason }) => reason as unknown);
      expect(accepted).toHaveLength(1);
      const [releaseId] = accepted;
      if (releaseId === undefined) return;
      for (const reason of refused) {
        expect(reason).toBeInstanceOf(ApiProblem);
        expect((reason as ApiProblem).problem).toMatchObject({
          status: 409,
          detail: expect.stringContaining(releaseId),
        });
      }
      expect(await lockOf(service.service)).toBe(releaseId);
      await abort(releaseId);
      await ended(releaseId);
      expect(await lockOf(service.service)).toBeUndefined();
    },
  );

  withService(
    'moves the same traffic for one release at a time, whichever service declares it',
    async ({ service }) => {
      const { definition } = await operator.call(serviceRoutes.getService, {
        params: { service: service.service },
      });
      const twin = `${service.service}-twin`;
      await operator.call(serviceRoutes.putService, { params: { service: twin }, body: definition });
      const first = await service.request(VARIANTS.good.version);
      const second = operator.call(releaseRoutes.requestRelease, {
        body: { service: twin, environment: 'production', version: VARIANTS.slow.version },
      });
      await expect(second).rejects.toMatchObject({
        problem: { status: 409, detail: expect.stringContaining(first) },
      });
      await abort(first);
      await ended(first);
    },
  );

  withService(
    'answers a repeated key with the first release, and refuses it for another request',
    async ({ service }) => {
      const key = randomUUID();
      const first = await service.request(VARIANTS.good.version, { key });
      expect(await service.request(VARIANTS.good.version, { key })).toBe(first);
      await expect(service.request(VARIANTS.slow.version, { key })).rejects.toMatchObject({
        problem: { status: 409, detail: expect.stringContaining(first) },
      });
      await abort(first);
      await ended(first);
    },
  );
});
