import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { emulatorDirectory } from '../../local/run-directory.ts';

describe("the emulator's directory", () => {
  const temporary = mkdtempSync(path.join(tmpdir(), 'sluice-test-'));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(temporary, { recursive: true, force: true });
  });

  it('runs its CommonJS workers whatever package.json lies in the temporary directory', () => {
    writeFileSync(path.join(temporary, 'package.json'), '{"type":"module"}');
    vi.stubEnv('TMPDIR', temporary);
    const worker = path.join(emulatorDirectory(), 'worker.js');
    writeFileSync(worker, "require('node:fs');");
    expect(spawnSync(process.execPath, [worker]).status).toBe(0);
  });
});
