import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectLegalHoldCommand, PutObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import { lambdaLedgerWriter } from '../../functions/ledger/adapters/lambda-ledger-writer.ts';
import { archivedPath } from '../../functions/ledger/archived-bundle.ts';
import { canonicalRecord } from '../../functions/ledger/canonical.ts';
import { holdRoutes } from '../../functions/ledger/hold-routes.ts';
import { bundleOf } from '../../functions/ledger/keys.ts';
import { leafHash } from '../../functions/ledger/leaf-hash.ts';
import { proofRoutes } from '../../functions/ledger/proof-routes.ts';
import { verifyReceipt } from '../../functions/ledger/receipt.ts';
import { auditRoutes } from '../../functions/ledger/routes.ts';
import { parseVkey } from '../../functions/ledger/signed-note.ts';
import { systemActor } from '../../functions/platform/actor.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { sealNow, verifySigned } from '../../local/verify-ledger.ts';
import { checkLog, noGo } from '../independent/check-log.ts';
import { type Machine, newMachine } from './cli/sluice.ts';
import { environment, newName, register } from './doors/services.ts';
import { awsSettings, ended, eventually, operator, tokenOf, world } from './harness.ts';

const lambda = new LambdaClient({ ...awsSettings, maxAttempts: 1 });
const objects = new S3Client({ ...awsSettings, forcePathStyle: true });
const tables = DynamoDBDocumentClient.from(new DynamoDBClient(awsSettings));
const writer = lambdaLedgerWriter(lambda, 'sluice-append-records');
const ARCHIVE = 'sluice-archive-000000000000-us-east-1';

const service = newName('archived');
const aside = mkdtempSync(path.join(tmpdir(), 'sluice-archive-'));
afterAll(() => rmSync(aside, { recursive: true }));

const call = async (functionName: string, input: object = {}) => {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: `sluice-${functionName}`, Payload: JSON.stringify(input) }),
  );
  const answer = JSON.parse(Payload?.transformToString() ?? '{}');
  expect(FunctionError, JSON.stringify(answer)).toBeUndefined();
  return answer;
};

/** More than a bundle, so that whatever came before is in one that is full. */
const fillBundle = async (about: string): Promise<void> => {
  const event = { type: 'service.changed', timestamp: new Date().toISOString() } as const;
  const draft = { event, change: { service: about }, actor: systemActor('a-test'), data: {} };
  for (let batch = 0; batch < 3; batch += 1)
    await writer.append(
      `test/${randomUUID()}`,
      Array.from({ length: 90 }, () => draft),
    );
};

/** Signed, verified, and moved: what happens within minutes, a night and a year. */
const archiveNow = async () => {
  await sealNow(awsSettings.endpoint);
  await call('verify-ledger');
  // Another file's hold may have woken a run that is not over.
  return eventually('the archiver has its turn', async () => {
    const outcome = await call('archive-records');
    return outcome.more ? undefined : outcome;
  });
};

const inTable = async (bundle: number): Promise<number> => {
  const { Count = 0 } = await tables.send(
    new QueryCommand({
      TableName: 'sluice-ledger',
      ConsistentRead: true,
      KeyConditionExpression: 'bundle = :bundle',
      ExpressionAttributeValues: { ':bundle': bundle },
      Select: 'COUNT',
    }),
  );
  return Count;
};

/** Records as they are stored: whether a checkpoint covers them by now is another question. */
const recordsOf = async (query: object) => {
  const { records } = await operator.call(auditRoutes.listRecords, { query: { limit: 256, ...query } });
  return records.map(({ verification: _, ...stored }) => stored);
};

const heldInS3 = async (bundle: number): Promise<boolean> => {
  const command = new GetObjectLegalHoldCommand({ Bucket: ARCHIVE, Key: archivedPath(bundle) });
  const { LegalHold } = await objects.send(command).catch(() => ({ LegalHold: undefined }));
  return LegalHold?.Status === 'ON';
};

let releaseId: ReleaseId;
let before: Awaited<ReturnType<typeof timelineOf>>;
let machine: Machine;

beforeAll(async () => {
  // The local AWS makes a bucket without the lock that the template asks for.
  await objects.send(
    new PutObjectLockConfigurationCommand({
      Bucket: ARCHIVE,
      ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' },
    }),
  );
  await register(service, { environments: { one: environment() } });
  const release = await operator.call(releaseRoutes.requestRelease, {
    body: { service, environment: 'one', version: '1' },
    idempotencyKey: randomUUID(),
  });
  releaseId = release.releaseId;
  await ended(releaseId);
  before = await timelineOf(operator, releaseId);
  machine = newMachine({ SLUICE_API: world.apiUrl, SLUICE_TOKEN: await tokenOf('olive') });
});
afterAll(() => machine.dispose());

/** What the outbox says, in its log, of a record that left the table, as the stream tells it. */
const saidOfRemoved = async (seq: number): Promise<string> => {
  const Keys = { bundle: { N: String(bundleOf(seq)) }, seq: { N: String(seq) } };
  const Records = [{ eventName: 'REMOVE', dynamodb: { SequenceNumber: '1', Keys } }];
  const { LogResult = '' } = await lambda.send(
    new InvokeCommand({
      FunctionName: 'sluice-publish-events',
      Payload: JSON.stringify({ Records }),
      LogType: 'Tail',
    }),
  );
  return Buffer.from(LogResult, 'base64').toString();
};

describe('records that are old enough', () => {
  it('leave the table for the archive, and are read, searched, proven and exported as before', async () => {
    const bundle = bundleOf(before[0]?.seq ?? expect.fail('the release has no records'));
    await fillBundle(service);
    const found = await eventually('the index has the records', async () => {
      const records = await recordsOf({ service });
      return records.length === 256 ? records : undefined;
    });
    await archiveNow();
    expect(await inTable(bundle)).toBe(0);

    expect(await timelineOf(operator, releaseId)).toEqual(before);
    expect(await recordsOf({ release: releaseId })).toEqual(before);
    expect(await recordsOf({ service })).toEqual(found);
    const told = await recordsOf({ type: 'ledger.archived' });
    expect(told.map(({ data }) => data.object)).toContain(archivedPath(bundle));

    const directory = path.join(aside, 'archived');
    const { ok, text, key } = await verifySigned(operator, directory);
    expect(text).toMatch(/^ledger verified/);
    expect(ok).toBe(true);
    const index = String(before[0]?.seq);
    const proof = await operator.call(proofRoutes.getProof, { params: { index } });
    expect(proof.recordHash).toBe(before[0]?.recordHash);
    expect(verifyReceipt(proof.receipt, proof.canonical, parseVkey(key)).ok).toBe(true);
    // The stack itself, from the first record on, over the border.
    expect(await call('verify-ledger', { full: true })).toMatchObject({ from: 0 });
    // Nobody is told of what the archiver took out, and everybody of what anyone else did.
    expect(await saidOfRemoved(before[0]?.seq ?? -1)).not.toContain('tampered');
    const { head } = await operator.call(auditRoutes.listRecords, { query: { limit: 1 } });
    expect(await saidOfRemoved(head.size - 1)).toContain('ledger was tampered with');
  });

  it('stay where they are under a legal hold, put and lifted by command', async () => {
    const held = newName('held');
    const put = await machine.run(
      ...['audit', 'hold', 'put', '--service', held, '--reason', 'case 4711', '--json'],
    );
    expect(put.code, put.stderr).toBe(0);
    const { holdId } = JSON.parse(put.stdout);
    await fillBundle(held);
    const [first] = await eventually('the index has the records', async () => {
      const records = await recordsOf({ service: held });
      return records.length > 0 ? records : undefined;
    });
    const bundle = bundleOf(first?.seq ?? -1);
    await fillBundle('another');
    expect((await archiveNow()).heldBack).toBeGreaterThan(0);
    expect(await inTable(bundle)).toBe(256);

    // What is in the archive already is held there, as soon as somebody says so.
    const [old] = before;
    const kept = bundleOf(old?.seq ?? -1);
    const onRelease = await operator.call(holdRoutes.putHold, {
      body: { filter: { release: releaseId }, reason: 'the same case' },
      idempotencyKey: randomUUID(),
    });
    await eventually('S3 holds the bundle', async () => (await heldInS3(kept)) || undefined);

    const list = await machine.run('audit', 'hold', 'list', '--json');
    expect(JSON.parse(list.stdout)).toContainEqual(onRelease);
    const lifted = await machine.run('audit', 'hold', 'lift', holdId, '--reason', 'settled', '--json');
    expect(JSON.parse(lifted.stdout).lifted).toMatchObject({ reason: 'settled', by: { login: 'olive' } });
    await operator.call(holdRoutes.liftHold, {
      params: { holdId: onRelease.holdId },
      body: { reason: 'settled' },
      idempotencyKey: randomUUID(),
    });
    await eventually('S3 lets go of the bundle', async () => !(await heldInS3(kept)) || undefined);
    await archiveNow();
    expect(await inTable(bundle)).toBe(0);

    const types = [
      'ledger.hold.put.intended',
      'ledger.hold.put',
      'ledger.hold.lift.intended',
      'ledger.hold.lifted',
    ];
    for (const type of types) {
      const records = await eventually(`a record ${type}`, async () => {
        const all = await recordsOf({ type });
        return all.some(({ data }) => data.holdId === holdId) ? all : undefined;
      });
      expect(records.find(({ data }) => data.holdId === holdId)?.actor).toMatchObject({ login: 'olive' });
    }
  });
});

describe('a person who asks to be forgotten', () => {
  it('is taken out of records of table and archive by command, and everything still verifies', async () => {
    const reason = `asked by ${newName('somebody')}`;
    const held = newName('redacted');
    const { holdId } = await operator.call(holdRoutes.putHold, {
      body: { filter: { service: held }, reason },
      idempotencyKey: randomUUID(),
    });
    const told = await eventually('the index has the records', async () => {
      const all = await recordsOf({ service: held });
      return all.length === 2 ? all : undefined;
    });
    for (const record of told) {
      expect(record).toMatchObject({ actor: { login: 'olive' }, data: { reason } });
      expect(leafHash(canonicalRecord(record))).toBe(record.recordHash);
    }
    const seqs = told.map(({ seq }) => String(seq));
    const redact = () => machine.run('audit', 'redact', ...seqs, '--reason', 'erasure 17', '--json');

    // Not while a legal hold is on them.
    const refused = await redact();
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(`is under legal hold ${holdId}`);
    await operator.call(holdRoutes.liftHold, {
      params: { holdId },
      body: { reason: 'no longer needed' },
      idempotencyKey: randomUUID(),
    });
    const done = await redact();
    expect(done.code, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toEqual({ redacted: seqs.map(Number), untouched: [] });

    // With the two of the hold that was lifted.
    const after = await eventually('the index has the records', async () => {
      const all = await recordsOf({ service: held });
      return all.length === 4 ? all : undefined;
    });
    expect(JSON.stringify(after.slice(0, 2))).not.toMatch(new RegExp(`olive|${reason}`));
    expect(after.slice(0, 2).map(({ recordHash }) => recordHash)).toEqual(
      told.map(({ recordHash }) => recordHash),
    );
    expect((await recordsOf({ type: 'ledger.redacted' })).at(-1)).toMatchObject({
      actor: { login: 'olive' },
      data: { records: seqs.map(Number) },
    });

    await fillBundle('another');
    await archiveNow();
    expect(await recordsOf({ service: held })).toEqual(after);
    const directory = path.join(aside, 'redacted');
    const { ok, key } = await verifySigned(operator, directory);
    expect(ok).toBe(true);
    const verified = await machine.run('audit', 'verify', '--export', directory, '--key', key, '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({
      ok: true,
      withheld: { records: 2, unexplained: [] },
    });
    const proof = await operator.call(proofRoutes.getProof, { params: { index: seqs[0] ?? '' } });
    expect(verifyReceipt(proof.receipt, proof.canonical, parseVkey(key)).ok).toBe(true);
    const missing = noGo();
    if (missing !== undefined) process.stdout.write(`${missing}\n`);
    else {
      const files = { receipt: path.join(aside, 'receipt'), record: path.join(aside, 'record') };
      writeFileSync(files.receipt, proof.receipt);
      writeFileSync(files.record, proof.canonical);
      expect(checkLog(key, directory, files.receipt, files.record)).toMatchObject({ ok: true });
    }
  });
});
