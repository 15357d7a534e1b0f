import type { Context } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { releaseKey } from '#releases/keys.ts';
import type { Release } from '#releases/release.ts';
import { aRelease, releaseIdOf } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { releasesAws } from '../fakes/releases-aws.ts';

for (const [name, value] of Object.entries({
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_SERVICE_NAME: 'take-command',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
  RELEASES_TABLE: 'releases',
  SERVICES_TABLE: 'services',
  PRODUCTION_STRATEGIES: '["canary"]',
  RESCUE_PREFIX: '/sluice/rescue',
  LEDGER_WRITER_ARN: 'arn:aws:lambda:eu-central-1:1:function:append-records',
  LATE_RECORDS_QUEUE_URL: 'https://sqs.example/late',
  RELEASE_WORKFLOW_ARN: 'arn:aws:states:eu-central-1:1:stateMachine:release',
  RECOVERY_WORKFLOW_ARN: 'arn:aws:states:eu-central-1:1:stateMachine:recovery',
  FLAGS_APPLICATION: 'sluice',
  FLAGS_ENVIRONMENT: 'kill-switches',
  FLAGS_PROFILE: 'kill-switches',
  FLAGS_KEPT_SECONDS: '20',
  REFUSED_QUEUE_URL: 'https://sqs.example/refused',
}))
  vi.stubEnv(name, value);
const { handler } = await import('#rollout/take-command.handler.ts');

const deliver = (event: unknown) =>
  handler(event, { awsRequestId: 'r-1', functionName: 'take-command' } as Context);

const releaseId = releaseIdOf(1);
const commanded = (detail: object = {}, envelope: object = {}) => ({
  version: '0',
  id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
  'detail-type': 'sluice.release.commanded',
  source: 'chat.bot',
  account: '123456789012',
  time: '2026-03-01T12:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: { releaseId, command: 'pause', reason: 'lunch', requestedBy: 'ann', ...detail },
  ...envelope,
});

let aws: ReturnType<typeof releasesAws>;
const there = (overrides: Partial<Release> = {}) => {
  const release = aRelease(overrides);
  aws.put({ ...releaseKey(release.releaseId), ...release, open: 'OPEN' });
};
const told = () => aws.ledger.records.map(({ event }) => event.type);

beforeEach(() => {
  aws = releasesAws();
  aws.put(aRegisteredService());
});

describe('an event that commands a release', () => {
  it('is obeyed as over the API, and says that who gave it is only claimed', async () => {
    there();
    await deliver(commanded());
    expect(aws.items.get(`RELEASE#${releaseId}|RELEASE`)?.paused).toMatchObject({ reason: 'lunch' });
    expect(aws.ledger.records).toMatchObject([
      {
        event: { type: 'release.paused' },
        actor: { login: 'ann', kind: 'pipeline', authenticated: false, via: 'event' },
        data: { releaseId, reason: 'lunch' },
      },
    ]);
    expect(aws.queued).toEqual([]);
  });

  it('to retry starts a release of its own, once, however often it is delivered', async () => {
    there({ mode: 'done', outcome: 'rolled-back', concludedAt: '2026-03-01T12:00:00.000Z' });
    for (let delivery = 0; delivery < 3; delivery += 1) await deliver(commanded({ command: 'retry' }));
    expect(aws.executions.size).toBe(1);
    expect(told()).toEqual(['release.accepted']);
    expect(aws.ledger.records[0]?.data).toMatchObject({ retryOf: { releaseId, reason: 'lunch' } });
  });

  it('to retry while another release is active is refused, and told in one place', async () => {
    there({ mode: 'done', outcome: 'rolled-back', concludedAt: '2026-03-01T12:00:00.000Z' });
    await deliver(commanded({ command: 'retry' }));
    await deliver(commanded({ command: 'retry' }, { id: 'another' }));
    expect(told()).toEqual(['release.accepted', 'release.command.refused']);
    expect(aws.queued).toMatchObject([{ reason: expect.stringContaining('already has an active release') }]);
  });

  it.each([
    ['an unknown field', commanded({ force: true }), 'detail.force: unknown key'],
    ['a release that there is not', commanded(), `there is no release ${releaseId}`],
  ])('is recorded once and kept whole when it is wrong: %s', async (_, event, text) => {
    for (let delivery = 0; delivery < 2; delivery += 1) await deliver(event);
    expect(told()).toEqual(['release.command.refused']);
    expect(JSON.stringify(aws.ledger.records[0]?.data.reasons)).toContain(text);
    expect(aws.ledger.records[0]?.data.releaseId).toBeUndefined();
    expect(aws.queued[0]).toMatchObject({ body: JSON.parse(JSON.stringify(event)) });
  });

  it('that makes no sense by now is refused with the reason', async () => {
    there({ mode: 'done', outcome: 'promoted', concludedAt: '2026-03-01T12:00:00.000Z' });
    await deliver(commanded());
    expect(told()).toEqual(['release.command.refused']);
    expect(aws.queued).toMatchObject([{ reason: expect.stringContaining('has ended (promoted)') }]);
  });

  it('meets passing trouble by failing, so that it is delivered again, and is not taken for refused', async () => {
    there();
    aws.ledger.down = true;
    await expect(deliver(commanded())).rejects.toMatchObject({ name: 'TransientError' });
    expect(aws.queued).toEqual([]);
    aws.ledger.down = false;
    await deliver(commanded());
    expect(told()).toEqual(['release.paused']);
  });
});
