import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../../local/paths.ts';

const CLI = path.join(repositoryRoot, 'cli', 'sluice.mjs');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine of its own, as far as the command can see: nothing of ours in the environment, and an empty home. */
export interface Machine {
  readonly home: string;
  start(args: readonly string[]): Running;
  run(...args: readonly string[]): Promise<Ran>;
  dispose(): void;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves with the match as soon as it stands on standard error. */
  told(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ran>;
}

const start = (
  args: readonly string[],
  home: string,
  environment: Readonly<Record<string, string>>,
): Running => {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH, HOME: home, NO_PROXY: '127.0.0.1,localhost', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const told = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(stderr);
        if (match !== null) resolve(match);
      };
      look();
      child.stderr.on('data', look);
      ended.then(
        (ran) => reject(new Error(`ended before it said ${pattern}: ${JSON.stringify(ran)}`)),
        reject,
      );
    });
  return { child, told, ended };
};

export const newMachine = (environment: Readonly<Record<string, string>> = {}): Machine => {
  const home = mkdtempSync(path.join(tmpdir(), 'sluice-cli-'));
  return {
    home,
    start: (args) => start(args, home, environment),
    run: (...args) => start(args, home, environment).ended,
    dispose: () => rmSync(home, { recursive: true, force: true }),
  };
};
