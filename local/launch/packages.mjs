import { readFileSync } from 'node:fs';
import path from 'node:path';
import { installError } from './errors.mjs';
import { runCaptured } from './run-captured.mjs';

/**
 * @typedef {{ version?: string, optional?: boolean, link?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} LockFile
 */

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own record of the tree as its last step, so an
 * interrupted installation has none, and one made by hand (`npm install`) counts as well.
 * @param {string} repository
 */
export function packagesAreCurrent(repository) {
  const wanted = readLockFile(path.join(repository, 'package-lock.json'));
  const installed = readLockFile(path.join(repository, 'node_modules', '.package-lock.json'));
  return wanted !== undefined && installed !== undefined && holdsAll(wanted, installed);
}

/**
 * Optional packages are other platforms' binaries: those that belong to this one came with the rest.
 * @param {LockFile} wanted
 * @param {LockFile} installed
 */
export function holdsAll(wanted, installed) {
  return Object.entries(wanted.packages ?? {}).every(
    ([location, { version, optional }]) =>
      location === '' || optional === true || installed.packages?.[location]?.version === version,
  );
}

/** @param {string} repository */
export async function installPackages(repository) {
  console.log('· installing the npm packages (the first time takes a minute)');
  // Dev packages also where NODE_ENV=production: they include the CDK and Node 24.
  const { code, output } = await runNpm(repository, ['ci', '--include=dev', '--no-audit', '--no-fund']);
  // On a full disk npm leaves half the files out and still exits with 0.
  if (code !== 0 || !packagesAreCurrent(repository)) throw installError('npm', output);
}

/**
 * The npm that runs this script, so that its version and configuration are the ones the person chose.
 * @param {string} repository
 * @param {readonly string[]} wanted
 */
export function runNpm(repository, wanted) {
  // `npm --silent test` would silence this npm as well, and with it the reason of a failure.
  const args = [...wanted, '--loglevel=warn', '--no-update-notifier'];
  const npm = process.env.npm_execpath;
  return npm !== undefined && /\bnpm-cli\.c?js$/.test(npm)
    ? runCaptured(process.execPath, [npm, ...args], { cwd: repository })
    : runCaptured('npm', args, { cwd: repository });
}

/**
 * @param {string} file
 * @returns {LockFile | undefined}
 */
function readLockFile(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
