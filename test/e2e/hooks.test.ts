import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import type { HookAnswer, HookRequest } from '../../functions/rollout/hook-protocol.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { createService, ended, operator, recorded, type TestService } from './harness.ts';
import { expectSound } from './invariants.ts';

const STABLE = VARIANTS.stable.version;
const GOOD = VARIANTS.good.version;

/** A team's own server: what it answers to a hook of a service, and what it was asked. */
const answers = new Map<string, readonly HookAnswer[]>();
const asked: HookRequest[] = [];
let server: Server;
let url = '';

beforeAll(async () => {
  server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = JSON.parse(Buffer.concat(chunks).toString()) as HookRequest;
      const before = asked.filter(({ idempotencyKey }) => idempotencyKey === request.idempotencyKey).length;
      asked.push(request);
      const all = answers.get(`${request.service}/${request.hook}`) ?? [{ result: 'passed' as const }];
      response.end(JSON.stringify(all[Math.min(before, all.length - 1)]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const hook = (name: string, at: unknown, more: object = {}) =>
  ({ name, at, call: { kind: 'http', url }, timeoutSeconds: 20, ...more }) as never;
const withHooks = (...hooks: never[]) => createService({ hooks });
const answer = (service: TestService, name: string, ...all: HookAnswer[]) =>
  answers.set(`${service.service}/${name}`, all);
const askedOf = (service: TestService) => asked.filter((request) => request.service === service.service);

describe('hooks of a service', () => {
  it('are asked before traffic, at their stage and after promotion, and waited for', async () => {
    const service = await withHooks(
      hook('migrate', 'before-traffic'),
      hook('smoke-test', { stage: 1 }),
      hook('drain', 'after-promotion'),
    );
    answer(service, 'migrate', { result: 'pending' }, { result: 'passed' });
    answer(service, 'smoke-test', { result: 'pending' }, { result: 'pending' }, { result: 'passed' });
    const releaseId = await service.request(GOOD);
    await ended(releaseId);
    const records = await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
    const told = records
      .filter(({ event }) => /hook|shift\.intended|promotion\.done/.test(event.type))
      .map(({ event, data }) => data.hook ?? event.type);
    expect(told).toEqual([
      'migrate',
      'release.shift.intended',
      'smoke-test',
      'release.shift.intended',
      'release.promotion.done',
      'drain',
    ]);
    expect(new Set(askedOf(service).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
    await service.stop();
  });

  it('that fail before traffic stop the release with nothing moved', async () => {
    const service = await withHooks(hook('migrate', 'before-traffic'));
    answer(service, 'migrate', { result: 'failed', text: 'no such table' });
    const releaseId = await service.request(GOOD);
    const end = await ended(releaseId);
    const records = await expectSound(service, releaseId, { outcome: 'aborted', runs: STABLE });
    expect(JSON.stringify(end.data.reasons)).toContain('hook migrate failed: no such table');
    expect(records.map(({ event }) => event.type)).not.toContain('release.shift.intended');
    await service.stop();
  });

  it.each([
    ['smoke-test', { stage: 1 }],
    ['drain', 'after-promotion'],
  ])('that fail later restore: %s', async (name, at) => {
    const service = await withHooks(hook(name, at));
    answer(service, name, { result: 'failed', text: '3 of 40 checks' });
    const releaseId = await service.request(GOOD);
    const end = await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
    expect(JSON.stringify(end.data.reasons)).toContain('3 of 40 checks');
    await service.stop();
  });
});

describe('blue-green', () => {
  it('checks the new version without traffic, then moves all of it at once', async () => {
    const service = await withHooks(hook('preview', 'before-traffic'));
    const { releaseId } = await operator.call(releaseRoutes.requestRelease, {
      body: { service: service.service, environment: 'production', version: GOOD, strategy: 'blue-green' },
      idempotencyKey: randomUUID(),
    });
    await recorded(releaseId, 'release.hook.passed');
    await ended(releaseId);
    const records = await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
    const shifts = records.filter(({ event }) => event.type === 'release.shift.done');
    expect(shifts.map(({ data }) => data.weightPercent)).toEqual([100]);
    await service.stop();
  });

  it('is refused without a check, and all-at-once is refused in production', async () => {
    const service = await createService();
    const ask = (strategy: 'blue-green' | 'all-at-once') =>
      operator.call(releaseRoutes.requestRelease, {
        body: { service: service.service, environment: 'production', version: GOOD, strategy },
        idempotencyKey: randomUUID(),
      });
    await expect(ask('blue-green')).rejects.toMatchObject({ problem: { status: 400 } });
    await expect(ask('all-at-once')).rejects.toMatchObject({ problem: { status: 403 } });
    await service.stop();
  });
});
