import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyExport } from '../../cli/audit.ts';
import { kmsVkey } from '../../functions/ledger/adapters/kms-signer.ts';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import { openCheckpoint } from '../../functions/ledger/checkpoint.ts';
import { proofRoutes } from '../../functions/ledger/proof-routes.ts';
import { isConsistent } from '../../functions/ledger/proofs.ts';
import { verifyReceipt } from '../../functions/ledger/receipt.ts';
import type { RecordDraft } from '../../functions/ledger/record.ts';
import { parseVkey } from '../../functions/ledger/signed-note.ts';
import { systemActor } from '../../functions/platform/actor.ts';
import { sealNow, verifySigned } from '../../local/verify-ledger.ts';
import { checkLog, noGo } from '../independent/check-log.ts';
import { recordsFrom } from './doors/stored.ts';
import { awsSettings, eventually, operator } from './harness.ts';

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

describe('whoever trusts nobody', () => {
  const aside = mkdtempSync(path.join(tmpdir(), 'sluice-export-'));
  afterAll(() => rmSync(aside, { recursive: true }));

  it('exports, verifies with a key from KMS, and proves one record by its receipt', async () => {
    // More than a tile holds, in batches that one transaction takes.
    const [receipt] = await append(90);
    for (let more = 0; more < 3; more += 1) await append(90);
    await sealNow(awsSettings.endpoint);
    const key = await verifierKey();
    const directory = path.join(aside, 'whole');
    const { ok, text, key: told } = await verifySigned(operator, directory);
    expect(text).toMatch(/^ledger verified: \d+ records, all signed/);
    expect(ok).toBe(true);
    expect(parseVkey(told)).toEqual(key);

    const index = String(receipt?.seq);
    const proven = await operator.call(proofRoutes.getProof, { params: { index } });
    expect(proven.recordHash).toBe(receipt?.recordHash);
    expect(verifyReceipt(proven.receipt, proven.canonical, key)).toMatchObject({
      ok: true,
      index: receipt?.seq,
    });
    expect(verifyReceipt(proven.receipt, proven.canonical.replace('tree', 'free'), key).ok).toBe(false);

    const missing = noGo();
    if (missing !== undefined) process.stdout.write(`${missing}\n`);
    else {
      const files = { receipt: path.join(aside, 'receipt'), record: path.join(aside, 'record') };
      writeFileSync(files.receipt, proven.receipt);
      writeFileSync(files.record, proven.canonical);
      expect(checkLog(told, directory, files.receipt, files.record)).toMatchObject({ ok: true });
      expect(await verifyExport(directory, key)).toMatchObject({ ok: true });
    }
  });

  it('is shown that the newest tree begins with an older one', async () => {
    const { checkpoints } = await operator.call(proofRoutes.listCheckpoints, { query: { limit: 1 } });
    const [first] = checkpoints;
    const key = await verifierKey();
    const { hashes, checkpoint } = await operator.call(proofRoutes.getConsistency, {
      params: { size: String(first?.size) },
    });
    const [older, newer] = [first?.note ?? '', checkpoint].map((note) => openCheckpoint(note, key));
    if (!older?.ok || !newer?.ok) throw new Error('a checkpoint is not signed by the key');
    const proof = hashes.map((hash) => Buffer.from(hash, 'base64'));
    expect(isConsistent(older.head, newer.head, proof)).toBe(true);
  });
});

describe('the nightly verification', () => {
  const verifyNow = async (input: object) => {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: 'sluice-verify-ledger', Payload: JSON.stringify(input) }),
    );
    return { failed: FunctionError !== undefined, answer: JSON.parse(Payload?.transformToString() ?? '{}') };
  };

  it('goes on where it stopped, records what it did, and starts over when asked', async () => {
    await append();
    await sealNow(awsSettings.endpoint);
    const first = await verifyNow({});
    expect(first, JSON.stringify(first)).toMatchObject({ failed: false, answer: { more: false } });
    const told = (await recordsFrom(first.answer.size)).filter(
      ({ event }) => event.type === 'ledger.verified',
    );
    expect(told.at(-1)?.data).toMatchObject({ size: first.answer.size, checkpoint: expect.any(String) });
    await sealNow(awsSettings.endpoint);
    const second = await verifyNow({});
    expect(second).toMatchObject({ failed: false, answer: { from: first.answer.size } });
    expect(await verifyNow({ full: true })).toMatchObject({
      failed: false,
      answer: { from: 0, more: false },
    });
    expect((await verifyNow({ all: true })).failed).toBe(true);
  });
});
