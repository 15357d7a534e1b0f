import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { CSV_HEADER } from '#ledger/record-csv.ts';
import { aDraft, aSalt } from '../ledger/drafts.ts';
import { type FakeSluice, startFakeSluice, tokenFor } from './fake-sluice.ts';

vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const VERIFICATION = { signed: true, hashAlgorithm: 'SHA-256', signatureAlgorithm: 'Ed25519', checkpoint: 3 };

const ROUTE = 'GET /v1/audit/records';

const { records: linked, head } = linkRecords(
  EMPTY_LEDGER,
  Array.from({ length: 3 }, (_, n) => aDraft({ n })),
  { newSalt: aSalt, ids: Array.from({ length: 3 }, () => '01JGXQ00000000000000000000') },
);
const records = linked.map(({ record }) => ({ ...record, verification: VERIFICATION }));

let fake: FakeSluice;
beforeEach(async () => {
  fake = await startFakeSluice();
  fake.answer(
    ROUTE,
    { status: 200, body: { records: records.slice(0, 2), next: 'further', head, searchedSize: 3 } },
    { status: 200, body: { records: records.slice(2), head, searchedSize: 3 } },
  );
});
afterEach(() => fake.stop());

const query = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, [CLI, 'audit', 'query', ...args], {
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

describe('sluice audit query', () => {
  it('asks for what is wanted, page by page, and prints a record a line', async () => {
    const { code, stdout, stderr } = await query('--service', 'checkout', '--control', 'CC8.1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(records);
    const asked = fake.asked.map(({ path }) => Object.fromEntries(new URL(path, fake.url).searchParams));
    expect(asked).toEqual([
      { service: 'checkout', control: 'CC8.1', limit: '256' },
      { service: 'checkout', control: 'CC8.1', limit: '256', cursor: 'further' },
    ]);
  });

  it('says of a record that it is another one than was signed', async () => {
    const [first] = records;
    const changed = { ...first, verification: { ...VERIFICATION, signed: false } };
    fake.answer(ROUTE, {
      status: 200,
      body: { records: [changed, ...records.slice(1)], head, searchedSize: 3 },
    });
    const { code, stderr } = await query();
    expect(code).toBe(0);
    expect(stderr).toBe('record 0 is not what was signed: sluice audit export and verify say what it was\n');
  });

  it('prints CSV with a header, and OCSF', async () => {
    const csv = (await query('--format', 'csv')).stdout.split('\r\n');
    expect(csv).toHaveLength(5);
    expect(csv[0]).toBe(CSV_HEADER);
    const ocsf = await query('--format', 'ocsf', '--limit', '1');
    expect(JSON.parse(ocsf.stdout.split('\n')[0] ?? '')).toMatchObject({ class_uid: 3_004 });
  });

  it('asks for no more than the limit', async () => {
    fake.answer(ROUTE, {
      status: 200,
      body: { records: records.slice(0, 1), next: 'further', head, searchedSize: 3 },
    });
    expect((await query('--limit', '1', '--format', 'text')).stdout).toMatch(
      /^\S+Z {2}0 {2}release\.shift\.done {2}checkout .*\n$/,
    );
    expect(fake.asked).toHaveLength(1);
  });

  it('says when the newest records are not searched yet', async () => {
    fake.answer(ROUTE, { status: 200, body: { records: [], head, searchedSize: 1 } });
    const { code, stdout, stderr } = await query('--actor', 'nobody');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('the newest 2 records are not searched yet');
  });

  it.each([
    ['--control', 'CC9.9'],
    ['--type', 'release.requested'],
    ['--format', 'xml'],
    ['--limit', '0'],
  ])('refuses %s %s before it asks', async (option, value) => {
    expect((await query(option, value)).code).toBe(2);
    expect(fake.asked).toEqual([]);
  });

  it('passes on what the API refuses', async () => {
    fake.answer(ROUTE, {
      status: 403,
      body: { type: 'urn:sluice:problem:policy-denied', title: 'Not allowed', status: 403, detail: 'no' },
    });
    expect((await query()).code).toBe(3);
  });
});
