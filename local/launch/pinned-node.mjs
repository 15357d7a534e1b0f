import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { installError, LaunchError } from './errors.mjs';
import { runNpm } from './packages.mjs';

/** Functions run on nodejs24.x, and the TypeScript here is run as it is, by type stripping. */
const MAJOR = 24;

/**
 * @param {string} repository
 * @returns {string | undefined} the pinned Node, or undefined when it is missing, another version, or does not run here
 */
export function workingNode24(repository) {
  const node = path.join(repository, 'node_modules', '.bin', 'node');
  return versionOf(node) === `v${pinnedVersion(repository)}` ? node : undefined;
}

/**
 * The binary comes by the install script of the package `node`, which npm may have skipped (`ignore-scripts`, or a policy of
 * approved scripts). Nothing here can run without it, so it is asked for by name.
 * @param {string} repository
 * @returns {Promise<string>}
 */
export async function ensureNode24(repository) {
  const there = workingNode24(repository);
  if (there !== undefined) return there;
  console.log(`· installing Node ${pinnedVersion(repository)} (for this directory only)`);
  const { code, output } = await runNpm(repository, ['rebuild', 'node', '--ignore-scripts=false']);
  const rebuilt = workingNode24(repository);
  if (rebuilt !== undefined) return rebuilt;
  // No such binary for this platform (Alpine, for one); the machine's own Node does as well if it is new enough.
  if (Number(process.versions.node.split('.')[0]) >= MAJOR) return process.execPath;
  if (code !== 0) throw installError('npm', output);
  throw new LaunchError(
    `The pinned Node ${pinnedVersion(repository)} was installed but does not run on this machine (${process.platform} ${process.arch}), or npm's script policy keeps its installer from running.`,
    `Either allow it (\`npm install-scripts approve node && npm rebuild node\`), or install Node ${MAJOR} from https://nodejs.org, and run the command again.`,
  );
}

/** @param {string} repository */
function pinnedVersion(repository) {
  const { devDependencies } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'));
  return String(devDependencies.node);
}

/** @param {string} node */
function versionOf(node) {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
