import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileError, installError } from '../../local/launch/errors.mjs';
import { isStale, withInstallLock } from '../../local/launch/install-lock.mjs';
import { holdsAll } from '../../local/launch/packages.mjs';
import { choosePython, parseProbe, pythonEnvironment } from '../../local/launch/python.mjs';

describe('what a person is told when an installation fails', () => {
  it.each([
    [
      'npm',
      'npm error code ENOTFOUND\nnpm error network request to https://registry.example/zod failed',
      /could not reach the npm registry/,
    ],
    ['npm', 'npm error code ECONNREFUSED', /could not reach the npm registry/],
    ['npm', 'npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write', /ran out of disk space/],
    [
      'npm',
      "npm error code EACCES\nnpm error Error: EACCES: permission denied, mkdir '/srv/x'",
      /not allowed to write/,
    ],
    ['npm', 'npm error code EINTEGRITY', /checksum/],
    ['npm', 'npm error code EUSAGE', /could not install/],
    [
      'pip',
      'ERROR: Could not find a version that satisfies the requirement x (from versions: none)',
      /could not reach the Python package index/,
    ],
    ['pip', 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE', /checksum/],
    ['pip', 'OSError: [Errno 28] No space left on device', /ran out of disk space/],
    ['pip', "OSError: [Errno 13] Permission denied: '/srv/x'", /not allowed to write/],
  ] as const)('%s: %s', (installer, output, message) => {
    const error = installError(installer, output);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(output.split('\n').at(-1));
    expect(error.advice).toMatch(/run the command again|Correct that|find out why/);
  });

  it('blames the disk, not the network, when a full disk breaks a download', () => {
    expect(installError('npm', 'ENOSPC: no space left on device\nECONNRESET').message).toMatch(/disk space/);
  });

  it('shows a directory that can not be written without a stack trace, and any other error as it is', () => {
    expect(fileError(new Error("EACCES: permission denied, mkdir '.local'"))).toMatchObject({
      name: 'LaunchError',
    });
    const other = new TypeError('a mistake of ours');
    expect(fileError(other)).toBe(other);
  });
});

describe('which Python is used', () => {
  it.each([
    ['3.11 ok\n', 'ok'],
    ['3.10 ok\n', 'ok'],
    ['4.0 ok\n', 'ok'],
    ['3.9 ok\n', 'too old'],
    ['2.7 ok\n', 'too old'],
    ['3.12 no venv\n', 'no venv'],
    ['3.9 no venv\n', 'too old'],
  ])('a probe that prints %j means: %s', (output, fitness) => {
    expect(parseProbe('python3', output)?.fitness).toBe(fitness);
  });

  it('takes no notice of a command that is no Python', () => {
    expect(parseProbe('python', 'Python was not found; run without arguments to install')).toBeUndefined();
  });

  const python = (command: string, version: string, fitness: 'ok' | 'no venv' | 'too old') => ({
    command,
    version,
    fitness,
  });

  it('prefers the first fit one to an earlier unfit one', () => {
    const found = [
      python('python3', '3.9', 'too old'),
      python('python3.12', '3.12', 'ok'),
      python('python3.11', '3.11', 'ok'),
    ];
    expect(choosePython(found).command).toBe('python3.12');
  });

  it('says that there is none, that it is too old, or that venv is missing, and each time that an emulator elsewhere will do', () => {
    expect(() => choosePython([])).toThrow(/this machine has none/);
    expect(() => choosePython([python('python3', '3.8', 'too old')])).toThrow(/python3 is 3\.8/);
    expect(() => choosePython([python('python3', '3.12', 'no venv')])).toThrow(/no venv and pip/);
    try {
      choosePython([]);
    } catch (error) {
      expect(error).toHaveProperty('advice', expect.stringContaining('SLUICE_LOCAL_ENDPOINT'));
    }
  });

  it('is not led astray by a shell that redirects pip or Python', () => {
    const shell = {
      PATH: '/bin',
      PIP_INDEX_URL: 'https://mirror.example',
      PIP_TARGET: '/x',
      PYTHONPATH: '/y',
      PIP_USER: '1',
    };
    expect(pythonEnvironment(shell)).toEqual({ PATH: '/bin', PIP_INDEX_URL: 'https://mirror.example' });
  });
});

describe('whether node_modules is what the lock file asks for', () => {
  const wanted = {
    packages: {
      '': {},
      'node_modules/zod': { version: '4.6.7' },
      'node_modules/fsevents': { version: '2.3.3', optional: true },
    },
  };

  it('accepts a tree without the binaries of other platforms', () => {
    expect(holdsAll(wanted, { packages: { 'node_modules/zod': { version: '4.6.7' } } })).toBe(true);
  });

  it.each([
    ['an older version', { packages: { 'node_modules/zod': { version: '4.6.6' } } }],
    ['a missing package', { packages: {} }],
    ['no record', {}],
  ])('refuses %s', (_, installed) => {
    expect(holdsAll(wanted, installed)).toBe(false);
  });
});

describe('two launchers at once', () => {
  let repository: string;
  beforeEach(() => {
    repository = mkdtempSync(path.join(tmpdir(), 'sluice-lock-'));
  });
  afterEach(() => rmSync(repository, { recursive: true }));

  const lockHeldBy = (owner: unknown) => {
    const lock = path.join(repository, '.local', 'install.lock');
    mkdirSync(lock, { recursive: true });
    writeFileSync(path.join(lock, 'owner.json'), JSON.stringify(owner));
  };

  it('install one after the other', async () => {
    const events: string[] = [];
    const install = (name: string) => async () => {
      events.push(`${name} begins`);
      await sleep(20);
      events.push(`${name} ends`);
    };
    await Promise.all([withInstallLock(repository, install('a')), withInstallLock(repository, install('b'))]);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(existsSync(path.join(repository, '.local', 'install.lock'))).toBe(false);
  });

  it('hand the lock on when an installation fails', async () => {
    await expect(withInstallLock(repository, () => Promise.reject(new Error('no network')))).rejects.toThrow(
      'no network',
    );
    await expect(withInstallLock(repository, async () => 'installed')).resolves.toBe('installed');
  });

  it('take over the lock of one that was killed', async () => {
    lockHeldBy({ pid: 2 ** 22 + 1, host: hostname(), sinceMs: Date.now() });
    await expect(withInstallLock(repository, async () => 'installed')).resolves.toBe('installed');
  });

  it.each([
    ['a live owner', { pid: 1, host: hostname(), sinceMs: 0 }, 3_600_000, false],
    ['an owner that has just made the lock and not signed it', undefined, 500, false],
    ['an unsigned lock that stays', undefined, 60_000, true],
    [
      'an owner on another host, lately',
      { pid: 1, host: 'elsewhere', sinceMs: 1_000_000_000 - 60_000 },
      60_000,
      false,
    ],
    ['an owner on another host, long ago', { pid: 1, host: 'elsewhere', sinceMs: 0 }, 60_000, true],
  ])('judge %s', (_, owner, ageMs, stale) => {
    expect(isStale(owner, ageMs, 1_000_000_000, () => true)).toBe(stale);
  });

  it('judge a dead owner', () => {
    expect(isStale({ pid: 1, host: hostname(), sinceMs: 0 }, 5, 10, () => false)).toBe(true);
  });
});
