import { randomUUID } from 'node:crypto';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import type { RecordDraft } from '../../functions/ledger/record.ts';
import { redriveRoutes } from '../../functions/ledger/redrive-routes.ts';
import { auditRoutes } from '../../functions/ledger/routes.ts';
import { systemActor } from '../../functions/platform/actor.ts';
import { TransientError } from '../../functions/platform/errors.ts';
import { verifyLedger } from '../../local/verify-ledger.ts';
import { apiOf, awsSettings, eventually, operator, world } from './harness.ts';

const writer = () =>
  lambdaLedgerWriter(new LambdaClient({ ...awsSettings, maxAttempts: 1 }), 'sluice-append-records');

const draft = (service: string): RecordDraft => ({
  event: { type: 'service.changed', timestamp: new Date().toISOString() },
  change: { service },
  actor: systemActor('a-test'),
  data: { revision: 1 },
});

interface Heard {
  readonly 'detail-type': string;
  readonly detail: { readonly seq: number; readonly recordHash: string };
}

/** Somebody on the bus: a queue of events about services, with a dead-letter queue for those that were not dealt with. */
const listener = async () => {
  const queues = new SQSClient(awsSettings);
  const events = new EventBridgeClient(awsSettings);
  const name = `listener-${randomUUID().slice(0, 8)}`;
  const create = async (QueueName: string, Attributes: Record<string, string> = {}) => {
    const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName, Attributes }));
    const attributes = await queues.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    return { QueueUrl, Arn: attributes.Attributes?.QueueArn };
  };
  const dead = await create(`${name}-dead`);
  const queue = await create(name, {
    VisibilityTimeout: '0',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.Arn, maxReceiveCount: 2 }),
  });
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
      Targets: [{ Id: 'queue', Arn: queue.Arn }],
    }),
  );
  const receive = async (QueueUrl: string | undefined, seq: number | undefined) => {
    const { Messages = [] } = await queues.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    return Messages.map((message) => ({ message, event: JSON.parse(message.Body ?? '{}') as Heard })).find(
      ({ event }) => event.detail.seq === seq,
    );
  };
  return {
    /** The record's event, dealt with. */
    eventOf: async (seq: number | undefined): Promise<Heard> => {
      const { event, message } = await eventually('the event', () => receive(queue.QueueUrl, seq));
      await queues.send(
        new DeleteMessageCommand({ QueueUrl: queue.QueueUrl, ReceiptHandle: message.ReceiptHandle }),
      );
      return event;
    },
    /** Takes it and does nothing with it, until it is a dead letter: which is what the consumer then has of it. */
    loseEventOf: async (seq: number | undefined): Promise<Heard> => {
      const { event } = await eventually('the dead letter', async () => {
        await receive(queue.QueueUrl, seq);
        return receive(dead.QueueUrl, seq);
      });
      return event;
    },
  };
};

/**
 * As every caller does: a batch of which it is not known whether it was appended is given again, under its id. Fifty
 * functions that start at once on two cores keep each other from answering in time, whatever the ledger does.
 */
const appendInTries = async (batchId: string, drafts: readonly RecordDraft[], tries = 3) => {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await writer().append(batchId, drafts);
    } catch (error) {
      if (!(error instanceof TransientError) || left === 0) throw error;
    }
  }
};

describe('the ledger under many writers', () => {
  it('takes fifty concurrent appends without a gap or a fork, each once', async () => {
    const run = randomUUID();
    const receipts = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        appendInTries(`test/${run}/${index}`, [draft('many-writers')]),
      ),
    );
    const numbers = receipts.flat().map(({ seq }) => seq);
    expect(new Set(numbers).size).toBe(50);
    const again = await writer().append(`test/${run}/7`, [draft('many-writers')]);
    expect(again).toEqual(receipts[7]);
    expect(await verifyLedger(operator)).toMatchObject({ ok: true });
  });

  it('sends each record out on the bus as an event', async () => {
    const consumer = await listener();
    const [receipt] = await writer().append(`test/${randomUUID()}`, [draft('listener')]);
    const event = await consumer.eventOf(receipt?.seq);
    expect(event.detail).toMatchObject({ seq: receipt?.seq, recordHash: receipt?.recordHash });
  });

  it('sends an event again that its consumer lost, from the record, however often it is asked to', async () => {
    const consumer = await listener();
    const [receipt] = await writer().append(`test/${randomUUID()}`, [draft('listener')]);
    const lost = await consumer.loseEventOf(receipt?.seq);
    const { seq } = lost.detail;
    const order = {
      body: { first: seq, last: seq, reason: 'a consumer lost it' },
      idempotencyKey: randomUUID(),
    };
    await expect(apiOf('robin').call(redriveRoutes.redriveEvents, order)).rejects.toMatchObject({
      problem: { status: 403 },
    });
    for (const _ of ['once', 'and again']) {
      expect(await operator.call(redriveRoutes.redriveEvents, order)).toMatchObject({ events: 1 });
      const again = await consumer.eventOf(seq);
      expect(again.detail).toEqual(lost.detail);
    }
    const { records } = await operator.call(auditRoutes.listRecords, {
      query: { cursor: Buffer.from(String(seq + 1)).toString('base64url'), limit: 256 },
    });
    const told = records.filter(({ data }) => data.first === seq && data.last === seq);
    expect(told).toMatchObject([
      { event: { type: 'ledger.redrive.intended' }, actor: { login: 'olive', authenticated: true } },
      { event: { type: 'ledger.redrive.done' }, data: { events: 1, reason: 'a consumer lost it' } },
    ]);
  });
});
