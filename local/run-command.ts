import { spawn } from 'node:child_process';
import path from 'node:path';
import { binDirectory, repositoryRoot } from './paths.ts';

export interface CommandResult {
  /** Null when a signal ended it, or it could not be started. */
  readonly code: number | null;
  readonly output: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Also shows the output while it comes. */
  readonly stream?: boolean;
}

/** Runs a tool of the repository: its own binaries, and the pinned Node, come first on PATH. */
export function runCommand(
  command: string,
  args: readonly string[],
  { env = process.env, stream = false }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: repositoryRoot,
      env: { ...env, PATH: [binDirectory, env.PATH].filter(Boolean).join(path.delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const source of [child.stdout, child.stderr]) {
      source.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (stream) process.stdout.write(chunk);
      });
    }
    child.once('error', (error) => resolve({ code: null, output: `${output}\n${error.message}` }));
    child.once('close', (code) => resolve({ code, output }));
  });
}
