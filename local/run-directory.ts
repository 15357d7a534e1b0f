import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { localDirectory } from './paths.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;
const EMULATOR_FILES = /^sluice-emulator-(\d+)-/;

/**
 * An empty directory for an emulator's files. Not inside the repository: unpacked functions would find our `node_modules` and
 * `package.json` above them, and a package missing from a bundle would work here and fail on AWS. Its own `package.json` keeps
 * any other above it, such as one left in the temporary directory, from deciding how the emulator's workers are read.
 */
export function emulatorDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), `sluice-emulator-${process.pid}-`));
  writeFileSync(path.join(directory, 'package.json'), '{}\n');
  return directory;
}

/** A directory for the files of one run that people may want to look at; swept a day later. */
export function runDirectory(name: string): string {
  const directory = path.join(localDirectory, 'run', name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** The file for a child's output; `name` tells whose. */
export function logFilePath(name: string): string {
  const directory = path.join(localDirectory, 'logs');
  mkdirSync(directory, { recursive: true });
  return path.join(directory, `${name}.log`);
}

/** Removes what earlier runs left behind: files of emulators whose owner is gone, and day-old logs and assemblies. */
export function sweepLeftovers(): void {
  for (const directory of [path.join(localDirectory, 'run'), path.join(localDirectory, 'logs')]) {
    for (const name of namesIn(directory))
      if (isOld(path.join(directory, name))) remove(path.join(directory, name));
  }
  for (const name of namesIn(tmpdir())) {
    const owner = EMULATOR_FILES.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) remove(path.join(tmpdir(), name));
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function remove(file: string): void {
  try {
    rmSync(file, { recursive: true, force: true });
  } catch {
    // Another user's, or just being removed by its owner: not ours to insist on.
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
