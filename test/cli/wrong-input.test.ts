import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { aSigner } from '../fakes/memory-log.ts';
import { tokenFor } from './fake-sluice.ts';

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const aside = mkdtempSync(path.join(tmpdir(), 'sluice-wrong-input-'));
afterAll(() => rmSync(aside, { recursive: true }));

/** Nobody listens there: what asks an API at all ends with 3, not 2. */
const env = {
  PATH: process.env.PATH,
  HOME: aside,
  SLUICE_API: 'http://127.0.0.1:1',
  SLUICE_TOKEN: tokenFor('olive', 'operator'),
};

const file = path.join(aside, 'a-file');
writeFileSync(file, 'text');
const folder = path.join(aside, 'a-folder');
const noExport = path.join(aside, 'no-export');
mkdirSync(folder);
mkdirSync(path.join(noExport, 'records.jsonl'), { recursive: true });
const wildcard = path.join(aside, 'wildcard.yaml');
writeFileSync(wildcard, 'service: checkout\nhosts: [*.example.com]\n');
const { vkey } = aSigner();

it.each([
  ['judge of a folder', ['judge', folder], `${folder}: `],
  ['judge by a policy that is a folder', ['judge', '--policy', folder, file], `${folder}: `],
  ['experiment by a policy that is a folder', ['experiment', 'judge', '--policy', folder], `${folder}: `],
  ['hash of a folder', ['audit', 'hash', folder], `${folder}: `],
  ['export into a file', ['audit', 'export', '-o', file], `${file}: `],
  ['verify of records that are a folder', ['audit', 'verify', '--export', noExport, '--key', vkey], noExport],
  [
    'verify by a checkpoint that is a folder',
    ['audit', 'verify', '--export', noExport, '--key', vkey, '--checkpoint', folder],
    `${folder}: `,
  ],
  ['apply of a folder', ['service', 'apply', '-f', folder], `${folder}: `],
  ['apply of a wildcard without quotes', ['service', 'apply', '-f', wildcard], `${wildcard}: `],
  ['rescue of what no service is called', ['rescue', 'Check Out', '--env', 'production'], 'the service'],
  ['rescue in what no environment is called', ['rescue', 'checkout', '--env', 'Prod 1'], 'the environment'],
])('%s is wrong input, in one sentence that says what: 2', { timeout: 60_000 }, (_, args, what) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { env, encoding: 'utf8' });
  expect(stderr).toContain(`sluice: ${what}`);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

it('whoever stops reading is not told that all was well', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [CLI, 'audit', 'hash'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdout.destroy();
  child.stdin.on('error', () => undefined);
  child.stdin.end('{"a":1}\n'.repeat(10_000));
  // As a shell tells of a program that SIGPIPE ended.
  expect(await ended).toBe(141);
});
