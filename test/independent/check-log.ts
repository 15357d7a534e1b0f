import { spawnSync } from 'node:child_process';
import { devNull } from 'node:os';
import path from 'node:path';

const DIRECTORY = path.join(import.meta.dirname, 'check-log');

/** Why the independent checker can't be run on this machine; undefined when it can. */
export const noGo = (): string | undefined => {
  const { error, status } = spawnSync('go', ['version'], { encoding: 'utf8' });
  return error === undefined && status === 0
    ? undefined
    : 'Go is not installed: the independent checker was not run (test/independent/check-log)';
};

/** Runs the checker that shares no code with Sluice; throws when it could not be built. */
export const checkLog = (...args: readonly string[]): { readonly ok: boolean; readonly output: string } => {
  const built = spawnSync('go', ['build', '-o', devNull, '.'], { cwd: DIRECTORY, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the checker can't be built:\n${built.stderr}`);
  const { status, stdout, stderr } = spawnSync('go', ['run', '.', ...args], {
    cwd: DIRECTORY,
    encoding: 'utf8',
  });
  return { ok: status === 0, output: status === 0 ? stdout.trim() : stderr.trim() };
};
