import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { environmentKey } from '#releases/keys.ts';
import { ann, NOW } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { releasesAws } from '../fakes/releases-aws.ts';

for (const [name, value] of Object.entries({
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_SERVICE_NAME: 'start-release',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
  RELEASES_TABLE: 'releases',
  SERVICES_TABLE: 'services',
  PRODUCTION_STRATEGIES: '["canary"]',
  LEDGER_WRITER_ARN: 'arn:aws:lambda:eu-central-1:1:function:append-records',
  RELEASE_WORKFLOW_ARN: 'arn:aws:states:eu-central-1:1:stateMachine:release',
  RECOVERY_WORKFLOW_ARN: 'arn:aws:states:eu-central-1:1:stateMachine:recovery',
  FLAGS_APPLICATION: 'sluice',
  FLAGS_ENVIRONMENT: 'kill-switches',
  FLAGS_PROFILE: 'kill-switches',
  FLAGS_KEPT_SECONDS: '20',
  REFUSED_QUEUE_URL: 'https://sqs.example/refused',
}))
  vi.stubEnv(name, value);
const { handler } = await import('#releases/start-release.handler.ts');

const context = { awsRequestId: 'r-1', functionName: 'start-release' } as Context;
const deliver = (event: unknown) => handler(event, context);

/** As EventBridge delivers it. */
const requested = (detail: object = {}, envelope: object = {}) => ({
  version: '0',
  id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
  'detail-type': 'sluice.release.requested',
  source: 'ci.example',
  account: '123456789012',
  time: '2026-03-01T12:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: { service: 'checkout', environment: 'production', version: '2', ...detail },
  ...envelope,
});

let aws: ReturnType<typeof releasesAws>;
const told = () => aws.ledger.records.map(({ event }) => event.type);

beforeEach(() => {
  aws = releasesAws();
  aws.put(aRegisteredService());
});

describe('an event that asks for a release', () => {
  it('starts it once, however often it is delivered, and says that who asked is only claimed', async () => {
    for (let delivery = 0; delivery < 3; delivery += 1) await deliver(requested({ requestedBy: 'ann' }));
    expect([...aws.executions.values()]).toEqual(['RUNNING']);
    expect(aws.ledger.records).toMatchObject([
      {
        event: { type: 'release.accepted' },
        actor: { login: 'ann', kind: 'pipeline', authenticated: false, via: 'event' },
        data: { version: '2' },
      },
    ]);
    expect(aws.queued).toEqual([]);
  });

  it('is from the account that sent it, when it names nobody', async () => {
    await deliver(requested());
    expect(aws.ledger.records[0]?.actor.login).toBe('123456789012:ci.example');
  });

  it('is another request under another key, and the same one under the same key', async () => {
    await deliver(requested({ idempotencyKey: 'run-17' }, { id: 'first' }));
    await deliver(requested({ idempotencyKey: 'run-17' }, { id: 'second' }));
    expect(aws.executions.size).toBe(1);
    expect(aws.queued).toEqual([]);
    await deliver(requested({ idempotencyKey: 'run-18' }, { id: 'third' }));
    expect(aws.queued).toMatchObject([{ reason: expect.stringContaining('already has an active release') }]);
    expect(told()).toEqual(['release.accepted', 'release.refused']);
  });

  it('while its environment is frozen is refused with who, why and until when', async () => {
    const freeze = { until: '2999-01-01T00:00:00.000Z', reason: 'quarter end', by: ann, at: NOW };
    aws.put({ ...environmentKey('production'), environment: 'production', revision: 1, freeze, keys: [] });
    await deliver(requested());
    expect(aws.executions.size).toBe(0);
    expect(told()).toEqual(['release.refused']);
    expect(aws.queued).toMatchObject([
      { reason: expect.stringContaining('production is frozen by ann until 2999-01-01') },
    ]);
  });

  it.each([
    ['an unknown field', requested({ weight: 5 }), 'detail.weight: unknown key'],
    ['a missing version', requested({ version: undefined }), /^detail\.version: /],
    ['an event of another name', requested({}, { 'detail-type': 'release.requested' }), /^detail-type: /],
    ['no object', 'hello', /^\(event\): /],
  ])('is recorded, counted out and kept whole when it is wrong: %s', async (_what, event, text) => {
    await deliver(event);
    expect(aws.executions.size).toBe(0);
    expect(told()).toEqual(['release.refused']);
    const reasons = aws.ledger.records[0]?.data.reasons;
    expect(reasons).toMatchObject([
      { code: 'invalid-request' },
      { code: 'invalid-event', text: typeof text === 'string' ? text : expect.stringMatching(text) },
    ]);
    expect(aws.queued).toEqual([
      { body: JSON.parse(JSON.stringify(event)), reason: 'the event is not valid' },
    ]);
  });

  it('that is wrong is recorded once, however often it is delivered', async () => {
    for (let delivery = 0; delivery < 2; delivery += 1) await deliver(requested({ weight: 5 }));
    expect(told()).toEqual(['release.refused']);
  });

  it.each([
    ['a service nobody registered', { service: 'cart' }, 'not-found'],
    ['an environment it does not have', { environment: 'qa' }, 'invalid-request'],
  ])('for %s is refused, with its reason', async (_what, detail, code) => {
    await deliver(requested(detail));
    expect(told()).toEqual(['release.refused']);
    expect(aws.ledger.records[0]?.data.reasons).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ code })]),
    );
    expect(aws.queued).toHaveLength(1);
  });

  it('meets passing trouble by failing, so that it is delivered again, and is not taken for refused', async () => {
    const throttled = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    aws.dynamo.on(TransactWriteCommand).rejectsOnce(throttled);
    await expect(deliver(requested())).rejects.toMatchObject({ name: 'TransientError' });
    expect(aws.queued).toEqual([]);
    expect(told()).toEqual([]);
  });

  it('that is wrong is not kept quietly when the ledger is away: the refusal is tried again', async () => {
    aws.ledger.down = true;
    await expect(deliver(requested({ weight: 5 }))).rejects.toMatchObject({ name: 'TransientError' });
    aws.ledger.down = false;
    await deliver(requested({ weight: 5 }));
    expect(told()).toEqual(['release.refused']);
    expect(aws.queued).toHaveLength(1);
  });

  it('whose door broke down after it was reserved is started by its next delivery', async () => {
    aws.ledger.down = true;
    await expect(deliver(requested())).rejects.toMatchObject({ name: 'TransientError' });
    expect(aws.executions.size).toBe(0);
    aws.ledger.down = false;
    await deliver(requested());
    expect(aws.executions.size).toBe(1);
    expect(told()).toEqual(['release.accepted']);
  });
});
