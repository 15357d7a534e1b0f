import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { binDirectory, repositoryRoot } from './paths.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandResult {
  /** Null when a signal ended it, or it could not be started. */
  readonly code: number | null;
  readonly output: string;
}

/** Runs a tool of the repository and keeps its output for later. */
export function runCommand(
  command: string,
  args: readonly string[],
  environment: Environment = process.env,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...place(environment), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const source of [child.stdout, child.stderr]) {
      source.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    }
    child.once('error', (error) => resolve({ code: null, output: `${output}\n${error.message}` }));
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** Runs it in the foreground, with this terminal as its own, and passes a request to stop on. Returns its exit code. */
export function runForeground(
  command: string,
  args: readonly string[],
  environment: Environment = process.env,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...place(environment), stdio: 'inherit' });
    const terminate = () => void child.kill('SIGTERM');
    // Ctrl-C reaches the child from the terminal; this process only has to stay until the child has cleaned up.
    const outlive = () => {};
    process.on('SIGTERM', terminate).on('SIGINT', outlive);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGTERM', terminate).off('SIGINT', outlive);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']);
    });
  });
}

/** The repository's own binaries come first, and with them the pinned Node. */
function place(environment: Environment) {
  const searchPath = [binDirectory, environment.PATH].filter(Boolean).join(path.delimiter);
  return { cwd: repositoryRoot, env: { ...environment, PATH: searchPath } };
}
