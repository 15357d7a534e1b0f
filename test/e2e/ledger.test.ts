import { randomUUID } from 'node:crypto';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import type { RecordDraft } from '../../functions/ledger/record.ts';
import { systemActor } from '../../functions/platform/actor.ts';
import { verifyLedger } from '../../local/verify-ledger.ts';
import { awsSettings, eventually, operator, world } from './harness.ts';

const writer = () =>
  lambdaLedgerWriter(new LambdaClient({ ...awsSettings, maxAttempts: 1 }), 'sluice-append-records');

const draft = (service: string): RecordDraft => ({
  event: { type: 'service.changed', timestamp: new Date().toISOString() },
  change: { service },
  actor: systemActor('a-test'),
  data: { revision: 1 },
});

describe('the ledger under many writers', () => {
  it('takes fifty concurrent appends without a gap or a fork, each once', async () => {
    const run = randomUUID();
    const receipts = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        writer().append(`test/${run}/${index}`, [draft('many-writers')]),
      ),
    );
    const numbers = receipts.flat().map(({ seq }) => seq);
    expect(new Set(numbers).size).toBe(50);
    const again = await writer().append(`test/${run}/7`, [draft('many-writers')]);
    expect(again).toEqual(receipts[7]);
    expect(await verifyLedger(operator)).toMatchObject({ ok: true });
  });

  it('sends each record out on the bus as an event', async () => {
    const queues = new SQSClient(awsSettings);
    const events = new EventBridgeClient(awsSettings);
    const name = `listener-${randomUUID().slice(0, 8)}`;
    const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: name }));
    const { Attributes } = await queues.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    await events.send(
      new PutRuleCommand({
        Name: name,
        EventBusName: world.busName,
        EventPattern: JSON.stringify({ source: ['sluice'], 'detail-type': ['sluice.service.changed'] }),
      }),
    );
    await events.send(
      new PutTargetsCommand({
        Rule: name,
        EventBusName: world.busName,
        Targets: [{ Id: 'queue', Arn: Attributes?.QueueArn }],
      }),
    );
    const [receipt] = await writer().append(`test/${randomUUID()}`, [draft('listener')]);
    const event = await eventually('the event', async () => {
      const { Messages = [] } = await queues.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      const bodies = Messages.map(({ Body }) => JSON.parse(Body ?? '{}') as { detail: { seq: number } });
      return bodies.find(({ detail }) => detail.seq === receipt?.seq);
    });
    expect(event.detail).toMatchObject({ seq: receipt?.seq, recordHash: receipt?.recordHash });
  });
});
