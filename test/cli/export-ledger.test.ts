import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { MerkleTree } from '#ledger/merkle.ts';
import { tileBytes } from '#ledger/tiles.ts';
import { noteOf } from '../builders/ledger-export.ts';
import { aSigner } from '../fakes/memory-log.ts';
import { aDraft, aSalt } from '../ledger/drafts.ts';
import { type FakeSluice, startFakeSluice, tokenFor } from './fake-sluice.ts';

vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const aside = mkdtempSync(path.join(tmpdir(), 'sluice-export-'));
afterAll(() => rmSync(aside, { recursive: true }));

const COUNT = 3;
const { records: linked, head } = linkRecords(
  EMPTY_LEDGER,
  Array.from({ length: COUNT }, (_, n) => aDraft({ n, text: 'x'.repeat(1_000) })),
  { newSalt: aSalt, ids: Array.from({ length: COUNT }, () => '01JGXQ00000000000000000000') },
);
const records = linked.map(({ record }) => record);
const signer = aSigner();
const tree = new MerkleTree();
for (const { recordHash } of records) tree.append(Buffer.from(recordHash, 'hex'), () => undefined);
const newest = {
  size: COUNT,
  sealedAt: '2026-03-01T12:00:00.000Z',
  note: await noteOf(signer, COUNT, tree.root()),
};
const hashes = Buffer.from(tileBytes(tree.edge(0))).toString('base64');
const TILE = { status: 200, body: { path: 'tile/0/000.p/3', hashes } };

let fake: FakeSluice;
beforeEach(async () => {
  fake = await startFakeSluice();
  fake.answer('GET /v1/audit/checkpoints', {
    status: 200,
    body: { key: signer.vkey, checkpoints: [newest], newest },
  });
  const verification = {
    signed: true,
    hashAlgorithm: 'SHA-256',
    signatureAlgorithm: 'Ed25519',
    checkpoint: COUNT,
  };
  const read = records.map((record) => ({ ...record, verification }));
  fake.answer('GET /v1/audit/records', { status: 200, body: { records: read, head, searchedSize: COUNT } });
  fake.answer('GET /v1/audit/tiles/0/0', TILE);
});
afterEach(() => fake.stop());

/** `limit` is what a shell can give a program before it begins. */
const audit = async (args: readonly string[], limit = ':') => {
  const child = spawn('sh', ['-c', `${limit}; exec "$@"`, 'sh', process.execPath, CLI, 'audit', ...args], {
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

const exportTo = (directory: string, limit?: string) => audit(['export', '-o', directory], limit);
const verify = (directory: string) => audit(['verify', '--export', directory, '--key', signer.vkey]);

it('an export is whole when its records have their name', async () => {
  const directory = path.join(aside, 'whole');
  expect(await exportTo(directory)).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(path.join(directory, 'records.jsonl.part'))).toBe(false);
  expect(await verify(directory)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`"records":${COUNT}`),
  });
  expect(await exportTo(directory)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/whole is not empty: give a new directory, or remove/),
  });
});

it('one that is cut off, however near its end, is taken for none: not by verify, not by the next', async () => {
  const directory = path.join(aside, 'cut-off');
  fake.answer('GET /v1/audit/tiles/0/0', { status: 403, body: { message: 'Forbidden' } });
  expect(await exportTo(directory)).toMatchObject({ code: 3, stdout: '' });
  fake.answer('GET /v1/audit/tiles/0/0', TILE);
  expect(await verify(directory)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/cut-off was cut off: export again, into another directory/),
  });
  expect(await exportTo(directory)).toMatchObject({ code: 2, stdout: '' });
});

it('a disk that takes no more is told of in a sentence', async () => {
  const directory = path.join(aside, 'full');
  const { code, stdout, stderr } = await exportTo(directory, 'ulimit -f 1');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^sluice: [^\n]*full\/[^\n]*: file too large\n$/);
  expect(existsSync(path.join(directory, 'records.jsonl'))).toBe(false);
});
