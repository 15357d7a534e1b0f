import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { aDraft, aSalt } from '../ledger/drafts.ts';
import { type FakeSluice, startFakeSluice, tokenFor } from './fake-sluice.ts';

vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const HOLD = {
  holdId: `hold_${'a'.repeat(26)}`,
  filter: { service: 'payments' },
  reason: 'case 4711',
  by: { login: 'olive', kind: 'user', authenticated: true, via: 'api' },
  at: '2026-12-01T10:00:00.000Z',
};

let fake: FakeSluice;
beforeEach(async () => {
  fake = await startFakeSluice();
});
afterEach(() => fake.stop());

const audit = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, [CLI, 'audit', ...args], {
    env: { PATH: process.env.PATH, SLUICE_API: fake.url, SLUICE_TOKEN: tokenFor('olive', 'auditor') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
};

describe('sluice audit hold', () => {
  it('puts a hold on what is named, with one key for all its tries', async () => {
    fake.answer('POST /v1/audit/holds', { status: 503 }, { status: 200, body: HOLD });
    const { code, stdout, stderr } = await audit(
      'hold',
      'put',
      '--service',
      'payments',
      '--reason',
      'case 4711',
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toBe(`${HOLD.holdId} by olive keeps the records of: service payments\n`);
    expect(fake.asked.map(({ body }) => JSON.parse(body))).toEqual(
      fake.asked.map(() => ({ filter: { service: 'payments' }, reason: 'case 4711' })),
    );
    const keys = fake.asked.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('asks for nothing when the hold would be on nothing, or its id is none', async () => {
    expect(await audit('hold', 'put', '--reason', 'everything')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must name something'),
    });
    expect(await audit('hold', 'lift', '4711')).toMatchObject({ code: 2 });
    expect(fake.asked).toEqual([]);
  });

  it('lists holds, and lifts one', async () => {
    fake.answer('GET /v1/audit/holds', { status: 200, body: { holds: [HOLD] } });
    const list = await audit('hold', 'list');
    expect(list.stdout).toContain('service payments');
    const lifted = { ...HOLD, lifted: { reason: 'settled', by: HOLD.by, at: HOLD.at } };
    fake.answer(`POST /v1/audit/holds/${HOLD.holdId}/lift`, { status: 200, body: lifted });
    const { stdout } = await audit('hold', 'lift', HOLD.holdId, '--reason', 'settled');
    expect(stdout).toBe(`${HOLD.holdId} was lifted by olive: settled\n`);
  });
});

describe('sluice audit redact', () => {
  it('redacts all that somebody did, as many at once as the API takes', async () => {
    const { records, head } = linkRecords(
      EMPTY_LEDGER,
      Array.from({ length: 100 }, (_, n) => aDraft({ n })),
      { newSalt: aSalt, ids: Array.from({ length: 100 }, () => '01JGXQ00000000000000000000') },
    );
    const verification = { signed: false, hashAlgorithm: 'SHA-256', signatureAlgorithm: 'Ed25519' };
    fake.answer('GET /v1/audit/records', {
      status: 200,
      body: { records: records.map(({ record }) => ({ ...record, verification })), head, searchedSize: 100 },
    });
    fake.answer(
      'POST /v1/audit/redactions',
      { status: 200, body: { redacted: [0], untouched: [1] } },
      { status: 200, body: { redacted: [98, 99], untouched: [] } },
    );
    const { stdout, stderr } = await audit('redact', '--actor', 'jane', '--reason', 'erasure 17', '--json');
    expect(JSON.parse(stdout), stderr).toEqual({ redacted: [0, 98, 99], untouched: [1] });
    const bodies = fake.asked.slice(1).map(({ body }) => JSON.parse(body));
    expect(bodies.map((body) => body.records)).toEqual([Array.from({ length: 98 }, (_, n) => n), [98, 99]]);
  });

  it('says when there is nothing to redact', async () => {
    expect(await audit('redact')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is nothing to redact'),
    });
  });
});
