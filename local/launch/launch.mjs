import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { LaunchError } from './errors.mjs';
import { withInstallLock } from './install-lock.mjs';
import { installPackages, packagesAreCurrent } from './packages.mjs';
import { ensureNode24, workingNode24 } from './pinned-node.mjs';
import { installPythonPackages, pythonPackagesAreCurrent } from './python.mjs';
import { runToEnd } from './run-to-end.mjs';

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What `node local/launch.mjs <command>` runs, once everything is installed. */
const SCRIPTS = {
  start: 'local/start.ts',
  test: 'local/test.ts',
  check: 'local/check.ts',
  bench: 'bench/run.ts',
  package: 'local/package.ts',
};

/**
 * Installs what is missing or out of date, runs the command's script under Node 24, and returns its exit code.
 * @param {readonly string[]} argv the command, then the script's own arguments
 * @returns {Promise<number>}
 */
export async function launch([command = '', ...args]) {
  try {
    const script = /** @type {Record<string, string | undefined>} */ (SCRIPTS)[command];
    if (script === undefined) {
      throw new LaunchError(
        `"${command}" is not a command.`,
        `Use one of: ${Object.keys(SCRIPTS)
          .map((name) => `npm run ${name}`)
          .join(', ')}.`,
      );
    }
    if (process.platform === 'win32') {
      throw new LaunchError(
        'The local AWS needs process groups, which Windows does not have.',
        'Run the same command inside WSL (https://learn.microsoft.com/windows/wsl).',
      );
    }
    const node = await prepare();
    return await runToEnd(node, [path.join(repository, script), ...args], {
      ...process.env,
      PATH: [path.dirname(node), path.join(repository, 'node_modules', '.bin'), process.env.PATH].join(':'),
    });
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    console.error(`\n${error.message}\n${error.advice}`);
    return 1;
  }
}

/**
 * Every step is skipped when its result is there already, so that a second start costs a few file reads.
 * @returns {Promise<string>} the Node 24 to run under
 */
async function prepare() {
  // An emulator that somebody else runs needs no Python here; only cfn-lint is then missing, and `check` says so.
  const needsPython = !process.env.SLUICE_LOCAL_ENDPOINT;
  const current = () =>
    packagesAreCurrent(repository) && (!needsPython || pythonPackagesAreCurrent(repository))
      ? workingNode24(repository)
      : undefined;
  const ready = current();
  if (ready !== undefined) return ready;
  return await withInstallLock(repository, async () => {
    // Another launcher may have done it all while this one waited for the lock.
    const readyMeanwhile = current();
    if (readyMeanwhile !== undefined) return readyMeanwhile;
    if (!packagesAreCurrent(repository)) await installPackages(repository);
    const node = await ensureNode24(repository);
    if (needsPython && !pythonPackagesAreCurrent(repository)) await installPythonPackages(repository);
    return node;
  });
}
