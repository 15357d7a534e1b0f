import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layOutCliPackage } from '../../local/cli-package.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'sluice-package-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Offline, and with nothing of the repository in reach: what the package lacks is missing. */
const run = (cwd: string, command: string, ...args: readonly string[]) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', input: '{"a":1}\n' });

describe('the package of the command', () => {
  beforeAll(async () => {
    await layOutCliPackage(path.join(directory, 'package'));
    const packed = run(directory, 'npm', 'pack', '--silent', './package');
    expect(packed.status, packed.stderr).toBe(0);
    writeFileSync(path.join(directory, 'package.json'), '{}');
    const tarball = `./${packed.stdout.trim().split('\n').at(-1)}`;
    const installed = run(directory, 'npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
    expect(installed.status, installed.stderr).toBe(0);
  }, 60_000);

  it('is a command that works where nothing else is installed', () => {
    const sluice = path.join(directory, 'node_modules', '.bin', 'sluice');
    expect(run(directory, process.execPath, sluice, '--help').stdout).toMatch(/^Usage: sluice/);
    expect(run(directory, process.execPath, sluice, 'audit', 'hash')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('"recordHash"'),
    });
  });
});
