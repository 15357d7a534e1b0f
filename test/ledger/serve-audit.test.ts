import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { BatchGetCommand, DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { indexRecords } from '#ledger/index-records.ts';
import { verifyRecords } from '#ledger/verify-chain.ts';
import { aBatchId, aDraft, aReleaseId } from './drafts.ts';
import { modelledLedger } from './modelled-ledger.ts';

vi.stubEnv('AWS_REGION', 'eu-west-1');
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'serve-audit');
vi.stubEnv('LEDGER_TABLE', 'ledger');
vi.stubEnv('LEDGER_HEADS_TABLE', 'heads');
vi.stubEnv('LEDGER_INDEX_TABLE', 'index');
vi.stubEnv('ARCHIVE_BUCKET', 'archive');
vi.stubEnv('ARCHIVES_TABLE', 'archives');
vi.stubEnv('SEALS_TABLE', 'seals');
vi.stubEnv('TILES_BUCKET', 'tiles');
vi.stubEnv('LEDGER_PERSONAL_TABLE', 'personal');
const { handler } = await import('#ledger/serve-audit.handler.ts');

const { model, writer, reader, index } = modelledLedger();
const dynamo = mockClient(DynamoDBDocumentClient);
dynamo.on(GetCommand).callsFake((input) => model.get(input));
dynamo.on(BatchGetCommand).callsFake((input) => model.batchGet(input));
dynamo.on(QueryCommand).callsFake((input) => model.query(input));
const objects = mockClient(S3Client);

/** As if this many records were signed, in a tree with these leaves. */
const signed = (size: number, leaves: readonly string[]) => {
  dynamo.on(QueryCommand, { TableName: 'seals' }).resolves({
    Items: [{ kind: 'checkpoint', number: size, n: 1, note: 'a note', sealedAt: '2026-01-05T10:00:00.000Z' }],
  });
  objects.on(GetObjectCommand, { Bucket: 'tiles' }).callsFake(async () => ({
    Body: { transformToByteArray: async () => Buffer.from(leaves.join(''), 'hex') },
  }));
};

const get = async (query: Record<string, string>, role = 'auditor') => {
  const event = {
    routeKey: 'GET /v1/audit/records',
    queryStringParameters: query,
    requestContext: {
      requestId: 'r',
      authorizer: {
        jwt: { claims: { token_use: 'access', username: 'ann', 'cognito:groups': `[sluice:${role}]` } },
      },
    },
  } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer;
  const { statusCode, body } = await handler(event, { awsRequestId: 'r' } as Context);
  return { status: statusCode, body: JSON.parse(body ?? '') };
};

const releaseId = aReleaseId();

beforeAll(async () => {
  for (let n = 0; n < 10; n += 1) await writer.append(aBatchId(), [aDraft({ n }), aDraft({ n, releaseId })]);
});

describe('GET /v1/audit/records', () => {
  it('gives the whole ledger in pages that verify offline, up to the head that it names', async () => {
    const lines: string[] = [];
    let page = await get({ limit: '7' });
    const { head } = page.body;
    for (;;) {
      expect(page.status).toBe(200);
      lines.push(...page.body.records.map((record: unknown) => JSON.stringify(record)));
      if (page.body.next === undefined) break;
      page = await get({ limit: '7', cursor: page.body.next });
    }
    expect(await verifyRecords(lines, head)).toEqual({ ok: true, records: 20, head });
  });

  it("gives one release's records", async () => {
    const { body } = await get({ release: releaseId, limit: '4' });
    const rest = await get({ release: releaseId, cursor: body.next });
    const numbers = [...body.records, ...rest.body.records].map(({ seq }: { seq: number }) => seq);
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, n) => 2 * n + 1));
  });

  it.each([
    [{ limit: '0' }],
    [{ limit: '257' }],
    [{ cursor: 'made-up' }],
    [{ release: 'checkout' }],
    [{ unknown: '1' }],
    [{ service: 'Not A Service' }],
    [{ actor: '' }],
    [{ actor: 'a\u0000b' }],
    [{ control: 'CC9.9' }],
    [{ type: 'release.requested' }],
    [{ from: '2026-01-05' }],
    [{ to: 'yesterday' }],
    [{ service: 'checkout', cursor: Buffer.from('7').toString('base64url') }],
    [{ cursor: Buffer.from('2026-01-05T10:00:00.000Z#0000000000000001').toString('base64url') }],
  ])('refuses %j', async (query) => {
    expect(await get(query as Record<string, string>)).toMatchObject({ status: 400, body: { status: 400 } });
  });

  it("gives those of one release's records that are what else is asked for", async () => {
    const { body } = await get({ release: releaseId, type: 'release.aborted' });
    expect(body).toMatchObject({ records: [], searchedSize: 20 });
    const all = await get({ release: releaseId, service: 'checkout', actor: 'sluice' });
    expect(all.body.records).toHaveLength(10);
  });

  it('finds records by what they are about, and says up to where it looked', async () => {
    const ports = { ledger: reader, index, onUnreadable: () => {}, isTimeLeft: () => true };
    const before = await get({ service: 'checkout' });
    expect(before.body).toMatchObject({ records: [], searchedSize: 0, head: { size: 20 } });
    await indexRecords(ports);
    const numbers: number[] = [];
    let page = await get({
      service: 'checkout',
      control: 'CC8.1',
      from: '2026-01-05T11:00:00+01:00',
      limit: '7',
    });
    for (;;) {
      expect(page.body.searchedSize).toBe(20);
      numbers.push(...page.body.records.map(({ seq }: { seq: number }) => seq));
      if (page.body.next === undefined) break;
      page = await get({ service: 'checkout', control: 'CC8.1', limit: '7', cursor: page.body.next });
    }
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
    for (const nothing of [
      { service: 'cart' },
      { service: 'checkout', actor: 'nobody' },
      { to: '2026-01-05T10:00:10Z' },
      { from: '2026-01-05T10:00:10.001Z' },
      { from: '2027-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    ])
      expect((await get(nothing)).body, JSON.stringify(nothing)).toMatchObject({ records: [] });
  });

  it('does not say that it looked through records that a read of the index may not see yet', async () => {
    dynamo.resetHistory();
    await get({ service: 'checkout', control: 'CC8.1' });
    const reads = dynamo
      .commandCalls(QueryCommand, { TableName: 'index' })
      .map(({ args }) => args[0].input.ConsistentRead);
    expect(reads.length).toBeGreaterThan(1);
    expect(new Set(reads)).toEqual(new Set([true]));
  });

  it('says of each record whether a checkpoint covers it, as it is read', async () => {
    const { body } = await get({ limit: '20' });
    const hashes = body.records.map(({ recordHash }: { recordHash: string }) => recordHash);
    expect(body.records[0].verification).toMatchObject({ signed: false });
    signed(15, [...hashes.slice(0, 3), 'f'.repeat(64), ...hashes.slice(4, 15)]);
    const read = await get({ limit: '20' });
    const said = read.body.records.map(
      ({ verification }: { verification: { signed: boolean } }) => verification.signed,
    );
    expect(said).toEqual(hashes.map((_: string, seq: number) => seq < 15 && seq !== 3));
    const found = await get({ service: 'checkout', limit: '1' });
    expect(found.body.records[0].verification).toEqual({
      signed: true,
      hashAlgorithm: 'SHA-256',
      signatureAlgorithm: 'Ed25519',
      checkpoint: 15,
    });
  });

  it('is for auditors, operators and admins', async () => {
    for (const role of ['auditor', 'operator', 'admin']) expect((await get({}, role)).status).toBe(200);
    for (const role of ['viewer', 'requester', 'approver']) expect((await get({}, role)).status).toBe(403);
  });
});
