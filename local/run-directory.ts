import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { localDirectory } from './paths.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;

/** An empty-or-existing directory for the files of one run; what outlives its run is swept by the next. */
export function runDirectory(name: string): string {
  const directory = path.join(localDirectory, 'run', name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Removes what crashed runs left behind: temporary files of emulators whose process is gone, and day-old logs and assemblies. */
export function sweepLeftovers(): void {
  for (const folder of ['run', 'logs']) {
    const parent = path.join(localDirectory, folder);
    mkdirSync(parent, { recursive: true });
    for (const name of readdirSync(parent)) {
      const owner = /^emulator-\d+-(\d+)$/.exec(name)?.[1];
      const file = path.join(parent, name);
      if (owner === undefined ? isOld(file) : !isAlive(Number(owner)))
        rmSync(file, { recursive: true, force: true });
    }
  }
}

function isOld(file: string): boolean {
  const modified = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return modified !== undefined && Date.now() - modified > KEPT_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
