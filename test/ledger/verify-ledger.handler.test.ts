import { GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkpointObjectKey } from '#ledger/keys.ts';
import { sealLedger } from '#ledger/seal.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { type MemoryLog, memoryLog, ORIGIN } from '../fakes/memory-log.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'verify-ledger');
vi.stubEnv('LEDGER_TABLE', 'ledger');
vi.stubEnv('SEALS_TABLE', 'seals');
vi.stubEnv('TILES_BUCKET', 'tiles');
vi.stubEnv('CHECKPOINTS_BUCKET', 'checkpoints');
vi.stubEnv('ARCHIVE_BUCKET', 'archive');
vi.stubEnv('CHECKPOINT_COPIES_BUCKET', 'copies');
vi.stubEnv('SIGNING_KEY_ARN', 'key');
vi.stubEnv('LEDGER_ORIGIN', ORIGIN);
vi.stubEnv('LEDGER_WRITER_ARN', 'writer');
for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => {});
const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
const { handler } = await import('#ledger/verify-ledger.handler.ts');

const tables = mockClient(DynamoDBDocumentClient);
const objects = mockClient(S3Client);
const keys = mockClient(KMSClient);
const writer = mockClient(LambdaClient);

const slow = () => Object.assign(new Error('slow'), { name: 'TimeoutError' });
const bodyOf = (bytes: Uint8Array | string | undefined) => {
  if (bytes === undefined) throw Object.assign(new Error('absent'), { name: 'NoSuchKey' });
  const body = Buffer.from(bytes);
  return { Body: { transformToString: async () => body.toString(), transformToByteArray: async () => body } };
};

let log: MemoryLog;
/** How far the verification came, as it is kept. */
let verified: number | undefined;

beforeEach(async () => {
  for (const each of [tables, objects, keys, writer]) each.reset();
  errors.mockClear();
  log = memoryLog();
  verified = undefined;
  log.append(5);
  await sealLedger(log.ports);
  tables.on(GetCommand).callsFake(() => (verified === undefined ? {} : { Item: { size: verified } }));
  tables.on(PutCommand).callsFake(({ Item }) => {
    verified = Item.size;
    return {};
  });
  tables.on(QueryCommand, { TableName: 'seals' }).callsFake(({ ExpressionAttributeValues: values }) => ({
    Items: [...log.vault.keys()].filter((size) => size > values[':above']).map((number) => ({ number })),
  }));
  tables
    .on(QueryCommand, { TableName: 'ledger' })
    .callsFake(async ({ ExpressionAttributeValues: values }) => ({
      Items: await log.ports.bundle(values[':bundle'], values[':end']),
    }));
  objects
    .on(GetObjectCommand)
    .callsFake(({ Bucket, Key }) =>
      bodyOf(
        Bucket === 'tiles'
          ? log.files.get(Key)
          : [...log.vault].find(([size]) => checkpointObjectKey(size) === Key)?.[1],
      ),
    );
  objects.on(PutObjectCommand).resolves({});
  keys
    .on(GetPublicKeyCommand)
    .resolves({ PublicKey: log.key.publicKey.export({ format: 'der', type: 'spki' }) as never });
  writer.on(InvokeCommand).resolves({ Payload: { transformToString: () => '[]' } as never });
});

const run = (awsRequestId = 'run-1', input: unknown = {}) =>
  handler(input, { awsRequestId, getRemainingTimeInMillis: () => 120_000 } as Context);

const told = () =>
  writer
    .commandCalls(InvokeCommand)
    .map(({ args }) =>
      appendBatchSchema.parse(JSON.parse(Buffer.from(args[0].input.Payload as Uint8Array).toString())),
    );

const copied = () => objects.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key);

describe('a run of the nightly verification', () => {
  it('copies the checkpoint out, records it, and goes on from there the next time', async () => {
    expect(await run()).toEqual({ from: 0, size: 5, more: false });
    expect(copied()).toEqual([`${ORIGIN}/${checkpointObjectKey(5)}`]);
    expect(told()).toMatchObject([
      { records: [{ event: { type: 'ledger.verified' }, data: { from: 0, size: 5 } }] },
    ]);
    expect(verified).toBe(5);
    expect(await run('run-2')).toEqual({ from: 5, size: 5, more: false });
    expect(told()).toHaveLength(1);
  });

  it.each([
    ['copied', () => objects.on(PutObjectCommand).rejectsOnce(slow()).resolves({})],
    [
      'recorded',
      () =>
        writer
          .on(InvokeCommand)
          .rejectsOnce(slow())
          .resolves({ Payload: { transformToString: () => '[]' } as never }),
    ],
  ])('that could not get the checkpoint %s is done again when it is tried again', async (_, fail) => {
    fail();
    await expect(run()).rejects.toThrow();
    expect(verified).toBeUndefined();
    const sent = told().length;
    expect(await run()).toEqual({ from: 0, size: 5, more: false });
    expect(copied().at(-1)).toBe(`${ORIGIN}/${checkpointObjectKey(5)}`);
    expect(told()).toHaveLength(sent + 1);
    expect(verified).toBe(5);
  });

  it('is one batch however often Lambda tries it, and another one than that of the next run', async () => {
    for (const [id, input] of [
      ['run-1', { full: true }],
      ['run-1', { full: true }],
      ['run-2', { full: true }],
    ] as const)
      await run(id, input);
    const [first, again, next] = told().map(({ batchId }) => batchId);
    expect(again).toBe(first);
    expect(next).not.toBe(first);
  });
});

describe('a ledger that does not hold', () => {
  beforeEach(() => {
    const record = log.records[3] ?? expect.fail('no record');
    log.records[3] = { ...record, canonical: record.canonical.replace('"n":', '"n":7') };
  });

  const broken = {
    name: 'LedgerIntegrityError',
    message: expect.stringMatching(/^record 3 \(edited\): .*runbook, "LedgerVerificationFailed"/),
  };

  it('fails the run, which says what to do, and is recorded', async () => {
    await expect(run()).rejects.toMatchObject(broken);
    expect(told()).toMatchObject([
      { records: [{ event: { type: 'ledger.verification.failed' }, data: { fault: 'edited', seq: 3 } }] },
    ]);
    expect(verified).toBeUndefined();
  });

  it('is told in the log and by the error although it can not be recorded', async () => {
    writer.on(InvokeCommand).rejects(slow());
    await expect(run()).rejects.toMatchObject(broken);
    const lines = errors.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toMatchObject([
      { message: 'ledger does not hold', from: 0, fault: 'edited', seq: 3 },
      { message: 'the verdict could not be recorded', error: { name: 'TransientError' } },
    ]);
  });
});
