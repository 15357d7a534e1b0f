import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeAll, describe, expect, it } from 'vitest';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import { verifyLedger } from '../../local/verify-ledger.ts';
import { callEvent, pipelineEvent, session } from '../builders/aws-events.ts';
import { deploymentPayload, pushPayload, workflowRunPayload } from '../builders/github.ts';
import { type RawAnswer, send } from './doors/raw-request.ts';
import { environment, newName, register } from './doors/services.ts';
import { ledgerSize, recordsFrom } from './doors/stored.ts';
import { awsSettings, eventually, operator } from './harness.ts';

const GITHUB = '/v1/integrations/github';
const secret = randomBytes(24).toString('hex');
const nextSecret = randomBytes(24).toString('hex');

const signed = (body: Buffer, by: string): string =>
  `sha256=${createHmac('sha256', by).update(body).digest('hex')}`;

interface Sent {
  readonly id?: string;
  readonly by?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a delivery as GitHub does. */
const deliver = (kind: string, payload: object, { id = randomUUID(), by = secret, headers }: Sent = {}) => {
  const body = Buffer.from(JSON.stringify(payload));
  return send({
    method: 'POST',
    path: GITHUB,
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': kind,
      'x-github-delivery': id,
      'x-hub-signature-256': signed(body, by),
      ...headers,
    },
  });
};

const recordsOf = async (delivery: string, from: number): Promise<readonly LedgerRecord[]> =>
  (await recordsFrom(from)).filter(({ data }) => data.delivery === delivery);

const recorded = (delivery: string, from: number): Promise<LedgerRecord> =>
  eventually(`a record of delivery ${delivery}`, async () => (await recordsOf(delivery, from))[0]);

const deliveryOf = ({ status, json }: RawAnswer): string => {
  expect(status, JSON.stringify(json)).toBe(202);
  return (json as { delivery: string }).delivery;
};

let size: number;

beforeAll(async () => {
  const parameters = new SSMClient(awsSettings);
  for (const [name, Value] of [
    ['github-webhook', secret],
    ['github-webhook-next', nextSecret],
  ] as const)
    await parameters.send(
      new PutParameterCommand({ Name: `/sluice/${name}`, Value, Type: 'SecureString', Overwrite: true }),
    );
  size = await ledgerSize();
});

describe("GitHub's door", () => {
  it('makes a record of a push, with what it touches and who pushed, and nothing that people wrote', async () => {
    const sent = pushPayload(['infra/production/main.tf', 'src/cart.ts']);
    const record = await recorded(deliveryOf(await deliver('push', sent)), size);
    expect(record).toMatchObject({
      event: { type: 'change.infrastructure' },
      change: { type: 'infrastructure', repository: 'acme/checkout', filesCount: 2 },
      actor: { login: 'ann', kind: 'user', authenticated: true, via: 'github' },
      compliance: { riskLevel: 'high', controls: ['CC8.1', 'A.8.32'] },
    });
    expect(JSON.stringify(record)).not.toMatch(/example\.com|somebody wrote/);
  });

  it.each([
    ['deployment', deploymentPayload(), 'deployment.requested'],
    ['workflow_run', workflowRunPayload('completed'), 'workflow.execution'],
  ])('makes a record of a %s', async (kind, payload, type) => {
    const record = await recorded(deliveryOf(await deliver(kind, payload)), size);
    expect(record.event.type).toBe(type);
  });

  it('makes one record of a delivery that comes again and again', async () => {
    const id = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => deliver('push', pushPayload(), { id })),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    const marker = deliveryOf(await deliver('push', pushPayload()));
    await recorded(id, size);
    await recorded(marker, size);
    await deliver('push', pushPayload(), { id });
    await recorded(deliveryOf(await deliver('push', pushPayload())), size);
    expect(await recordsOf(id, size)).toHaveLength(1);
  });

  it('takes either secret while one takes over from the other', async () => {
    await recorded(deliveryOf(await deliver('push', pushPayload(), { by: nextSecret })), size);
  });

  it.each<[string, Sent]>([
    ['another secret', { by: 'x'.repeat(40) }],
    ['an empty secret', { by: '' }],
    ['another signature', { headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` } }],
    ['the older kind of signature', { headers: { 'x-hub-signature-256': `sha1=${'0'.repeat(40)}` } }],
    ['no signature', { headers: { 'x-hub-signature-256': '' } }],
  ])('refuses %s, and records nothing', async (_, sent) => {
    const id = randomUUID();
    const { status, type } = await deliver('push', pushPayload(), { ...sent, id });
    expect({ status, type }).toEqual({ status: 401, type: 'application/problem+json' });
    await recorded(deliveryOf(await deliver('push', pushPayload())), size);
    expect(await recordsOf(id, size)).toEqual([]);
  });

  it('refuses bytes that were changed after they were signed', async () => {
    const body = Buffer.from(JSON.stringify(pushPayload()));
    const other = Buffer.from(JSON.stringify(pushPayload(['iam/admin.json'])));
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': signed(body, secret),
    };
    expect(await send({ method: 'POST', path: GITHUB, body: other, headers })).toMatchObject({ status: 401 });
  });

  it.each([
    ['ping', { zen: 'Keep it logically awesome.' }],
    ['star', { action: 'created' }],
    ['workflow_run', workflowRunPayload('requested')],
  ])('answers a %s that is nothing to record, and records nothing', async (kind, payload) => {
    const answer = await deliver(kind, payload);
    expect(answer).toMatchObject({ status: 202, json: { captured: false } });
  });

  it('says what is wrong with a delivery that is not as GitHub documents it', async () => {
    const { repository: _, ...payload } = pushPayload();
    expect(await deliver('push', payload)).toMatchObject({
      status: 400,
      json: { faults: [{ path: 'repository' }] },
    });
    expect(await deliver('push', pushPayload(), { id: 'made-up' })).toMatchObject({ status: 400 });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await deliver('push', pushPayload(), { headers: form })).toMatchObject({ status: 400 });
  });
});

describe('many deliveries at once', () => {
  it('are all recorded, and decisions are appended meanwhile', async () => {
    const ids = Array.from({ length: 60 }, () => randomUUID());
    const delivered = Promise.all(ids.map((id) => deliver('push', pushPayload(), { id })));
    const writer = lambdaLedgerWriter(
      new LambdaClient({ ...awsSettings, maxAttempts: 1 }),
      'sluice-append-records',
    );
    for (let n = 0; n < 10; n += 1) {
      const started = Date.now();
      await writer.append(`test/${randomUUID()}`, [
        {
          event: { type: 'service.changed', timestamp: new Date().toISOString() },
          change: { service: 'meanwhile' },
          actor: { login: 'a-test', kind: 'system', authenticated: true, via: 'workflow' },
          data: { n },
        },
      ]);
      expect(Date.now() - started).toBeLessThan(8_000);
    }
    expect(new Set((await delivered).map(({ status }) => status))).toEqual(new Set([202]));
    await eventually('all sixty are recorded', async () => {
      const all = (await recordsFrom(size)).map(({ data }) => data.delivery);
      return ids.every((id) => all.includes(id)) ? true : undefined;
    });
    const all = (await recordsFrom(size)).map(({ data }) => data.delivery);
    for (const id of ids) expect(all.filter((delivery) => delivery === id)).toHaveLength(1);
    expect(await verifyLedger(operator)).toMatchObject({ ok: true });
  });
});

describe('what AWS tells', () => {
  const lambda = new LambdaClient(awsSettings);

  /** As the rule hands it on: the bus takes no event of AWS's own from anybody else, here as there. */
  const tell = async (event: object): Promise<void> => {
    const Payload = Buffer.from(JSON.stringify(event));
    await lambda.send(
      new InvokeCommand({ FunctionName: 'sluice-capture-aws', InvocationType: 'Event', Payload }),
    );
  };

  const found = (what: string, is: (record: LedgerRecord) => boolean) =>
    eventually(what, async () => (await recordsFrom(size)).find(is));

  it('of a pipeline becomes a record', async () => {
    const pipeline = `deploy-${randomUUID()}`;
    await tell(pipelineEvent('SUCCEEDED', { pipeline }));
    const record = await found('the pipeline', ({ data }) => data.pipeline === pipeline);
    expect(record).toMatchObject({ event: { type: 'pipeline.execution' }, change: { status: 'succeeded' } });
  });

  it('of a call on a registered target becomes a record of its service, and of ours none', async () => {
    const service = newName('told');
    const functionName = `checkout-${service}`;
    const target = { kind: 'lambda-alias', functionName, alias: 'live' } as const;
    await register(service, { environments: { production: environment({ target }) } });
    const call = (by: ReturnType<typeof session>) =>
      callEvent('lambda', 'UpdateAlias20150331', { functionName, name: 'live' }, { by });
    const roles = new IAMClient(awsSettings);
    const { Roles = [] } = await roles.send(new ListRolesCommand({ MaxItems: 1_000 }));
    const ours = Roles.find(({ RoleName }) => /ShiftTraffic/.test(RoleName ?? ''))?.RoleName;
    // Services are read anew once in thirty seconds.
    const record = await eventually('the call', async () => {
      await tell(call(session(ours ?? expect.fail('no role of ours'))));
      await tell(call(session('deployer')));
      const all = (await recordsFrom(size)).filter(({ change }) => change.service === service);
      return all.find(({ event }) => event.type === 'change.target');
    });
    expect(record).toMatchObject({
      change: { service, environment: 'production' },
      actor: { login: 'deployer/ann' },
      compliance: { riskLevel: 'high' },
    });
    const told = (await recordsFrom(size)).filter(({ change }) => change.service === service);
    expect(told.filter(({ actor }) => actor.login.includes('ShiftTraffic'))).toEqual([]);
  });

  it('of a change of Sluice itself becomes a record', async () => {
    const by = session(`somebody-${randomUUID().slice(0, 8)}`);
    await tell(callEvent('dynamodb', 'UpdateTable', { tableName: 'sluice-ledger' }, { by }));
    const login = String(by.arn).split('assumed-role/')[1];
    const record = await found('the change', ({ actor }) => actor.login === login);
    expect(record).toMatchObject({
      event: { type: 'change.sluice' },
      data: { resources: ['sluice-ledger'] },
    });
  });
});
