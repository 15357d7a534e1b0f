import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Emulator, startEmulator } from '../../local/emulator.ts';
import { repositoryRoot, venvPython } from '../../local/paths.ts';

const silent = { log: () => {} };
const answers = (url: string) =>
  fetch(`${url}/_ministack/health`).then(
    () => true,
    () => false,
  );

async function untilSilent(url: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (await answers(url)) {
    if (Date.now() > deadline) throw new Error(`${url} still answers`);
    await sleep(50);
  }
}

const filesOf = (pid: number) =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`sluice-emulator-${pid}-`));

describe.skipIf(!existsSync(venvPython))('the local AWS', () => {
  let emulator: Emulator | undefined;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await emulator?.stop();
    emulator = undefined;
  });

  it('enforces credentials, on the loopback interface only, and leaves nothing behind', async () => {
    vi.stubEnv('SLUICE_LOCAL_ENDPOINT', '');
    emulator = await startEmulator({ port: 0, ...silent });
    const unsigned = await fetch(emulator.endpoint, {
      method: 'POST',
      headers: {
        'x-amz-target': 'DynamoDB_20120810.ListTables',
        'content-type': 'application/x-amz-json-1.0',
      },
      body: '{}',
    });
    expect(await unsigned.text()).toContain('MissingAuthenticationToken');

    const outside = Object.values(networkInterfaces())
      .flat()
      .find((own) => own?.family === 'IPv4' && !own.internal);
    if (outside !== undefined)
      expect(await answers(`http://${outside.address}:${emulator.port}`)).toBe(false);

    expect(filesOf(process.pid)).toHaveLength(1);
    await emulator.stop();
    expect(await answers(emulator.endpoint)).toBe(false);
    expect(filesOf(process.pid)).toEqual([]);
  });

  it('ends when the process that started it is killed', async () => {
    const script = `
      import { startEmulator } from './local/emulator.ts';
      const { endpoint } = await startEmulator({ port: 0, log() {} });
      console.log(endpoint);
      setInterval(() => {}, 1000);`;
    const parent = spawn('node', ['--input-type=module-typescript', '--eval', script], {
      cwd: repositoryRoot,
      env: { ...process.env, SLUICE_LOCAL_ENDPOINT: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [printed] = await once(parent.stdout, 'data');
    const endpoint = String(printed).trim();
    expect(await answers(endpoint)).toBe(true);
    parent.kill('SIGKILL');
    await untilSilent(endpoint);
    await vi.waitFor(() => expect(filesOf(parent.pid ?? 0)).toEqual([]));
  });

  it('names a taken port, and the setting that changes it', async () => {
    vi.stubEnv('SLUICE_LOCAL_ENDPOINT', '');
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await expect(startEmulator({ port, ...silent })).rejects.toThrow(
      new RegExp(`Port ${port} .* is taken.*SLUICE_LOCAL_PORT=${port + 1}`),
    );
    other.close();
  });
});

describe('an emulator that runs elsewhere', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is refused when nothing answers there, rather than failing later', async () => {
    vi.stubEnv('SLUICE_LOCAL_ENDPOINT', 'http://127.0.0.1:9');
    await expect(startEmulator(silent)).rejects.toThrow(/Nothing answers at http:\/\/127\.0\.0\.1:9/);
  });

  it('is refused when it is not on this machine', async () => {
    vi.stubEnv('SLUICE_LOCAL_ENDPOINT', 'https://lambda.eu-west-1.amazonaws.com');
    await expect(startEmulator(silent)).rejects.toThrow(/on this machine/);
  });
});
