import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const PARENT_POLL_MS = 500;

/**
 * Runs the script in the foreground, passes signals on, and outlives it only to return its exit code.
 * @param {string} node
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the script's exit code; 128 + the signal's number, as shells count, when a signal ended it
 */
export function runToEnd(node, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { stdio: 'inherit', env });
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      // The terminal has sent Ctrl-C to the script as well; a second one would look like impatience.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const orphanWatch = stopWhenOrphaned(() => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearInterval(orphanWatch);
      for (const forwarded of FORWARDED) process.off(forwarded, forward);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']);
    });
  });
}

/**
 * npm runs scripts through a shell that does not pass SIGTERM on: stopping npm would leave the local AWS running unseen.
 * @param {() => void} stop
 */
function stopWhenOrphaned(stop) {
  const parent = process.ppid;
  const underNpm = process.env.npm_lifecycle_event !== undefined;
  return setInterval(() => {
    if (underNpm && process.ppid !== parent) stop();
  }, PARENT_POLL_MS).unref();
}
