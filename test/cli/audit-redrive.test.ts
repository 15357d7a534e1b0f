import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FakeSluice, startFakeSluice, tokenFor } from './fake-sluice.ts';

vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));

let fake: FakeSluice;
beforeEach(async () => {
  fake = await startFakeSluice();
});
afterEach(() => fake.stop());

const redrive = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, [CLI, 'audit', 'redrive', ...args], {
    env: { PATH: process.env.PATH, SLUICE_API: fake.url, SLUICE_TOKEN: tokenFor('olive', 'operator') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stdout };
};

describe('sluice audit redrive', () => {
  it('asks for a long span in steps, each with a key of its own that a repetition has too', async () => {
    const answers = [
      { first: 4_000, last: 4_999, events: 1_000 },
      { first: 5_000, last: 5_200, events: 201 },
    ];
    fake.answer('POST /v1/audit/redrives', ...answers.map((body) => ({ status: 200, body })));
    const { code, stdout } = await redrive('4000', '5200', '--reason', 'outage', '--key', 'k', '--json');
    expect(JSON.parse(stdout)).toEqual({ first: 4_000, last: 5_200, events: 1_201, key: 'k' });
    expect(code).toBe(0);
    expect(fake.asked.map(({ body, headers }) => [JSON.parse(body), headers['idempotency-key']])).toEqual([
      [{ first: 4_000, last: 4_999, reason: 'outage' }, 'k/4000'],
      [{ first: 5_000, last: 5_200, reason: 'outage' }, 'k/5000'],
    ]);
  });

  it.each([['7', '6'], ['-1'], ['1.5'], ['x']])(
    'asks for nothing that is no span: %s %s',
    async (...span) => {
      expect((await redrive(...span)).code).toBe(2);
      expect(fake.asked).toEqual([]);
    },
  );
});
