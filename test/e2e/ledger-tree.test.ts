import { randomUUID } from 'node:crypto';
import { KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { kmsVkey } from '../../functions/ledger/adapters/kms-signer.ts';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import { openCheckpoint } from '../../functions/ledger/checkpoint.ts';
import type { RecordDraft } from '../../functions/ledger/record.ts';
import { parseVkey } from '../../functions/ledger/signed-note.ts';
import { systemActor } from '../../functions/platform/actor.ts';
import { awsSettings, eventually } from './harness.ts';

const lambda = new LambdaClient({ ...awsSettings, maxAttempts: 1 });
const objects = new S3Client({ ...awsSettings, forcePathStyle: true });
const writer = lambdaLedgerWriter(lambda, 'sluice-append-records');

const ORIGIN = 'sluice.us-east-1.000000000000/ledger';
const TILES = 'sluice-tiles-000000000000-us-east-1';

const draft = (service: string): RecordDraft => ({
  event: { type: 'service.changed', timestamp: new Date().toISOString() },
  change: { service },
  actor: systemActor('a-test'),
  data: { revision: 1 },
});

const append = async (count = 1) =>
  writer.append(
    `test/${randomUUID()}`,
    Array.from({ length: count }, () => draft('tree')),
  );

/** The log's own key, as whoever may ask KMS for it gets it. */
const verifierKey = async () =>
  parseVkey(await kmsVkey(new KMSClient(awsSettings), 'alias/sluice-ledger', ORIGIN));

const textOf = async (Key: string): Promise<string | undefined> => {
  const { Body } = await objects
    .send(new GetObjectCommand({ Bucket: TILES, Key }))
    .catch(() => ({ Body: undefined }));
  return Body?.transformToString();
};

describe('sealing', () => {
  it('comes by itself within a minute or so of a new record', async () => {
    const [receipt] = await append();
    const key = await verifierKey();
    await eventually(
      'a checkpoint that covers the record',
      async () => {
        const note = await textOf('checkpoint');
        const opened = note === undefined ? undefined : openCheckpoint(note, key);
        return opened?.ok && opened.head.size > (receipt?.seq ?? 0) ? opened.head : undefined;
      },
      120,
    );
  });

  it('signs no size twice and nothing but the ledger, however many runs there are at once', async () => {
    await append(3);
    const runs = await Promise.all(
      Array.from({ length: 4 }, () =>
        lambda.send(new InvokeCommand({ FunctionName: 'sluice-seal-checkpoint' })),
      ),
    );
    for (const { FunctionError, Payload } of runs)
      expect(FunctionError, Payload?.transformToString()).toBeUndefined();
    const outcomes = runs.map(({ Payload }) => JSON.parse(Payload?.transformToString() ?? '{}').outcome);
    expect(outcomes.filter((outcome) => outcome === 'sealed').length).toBeLessThanOrEqual(1);
  });
});
