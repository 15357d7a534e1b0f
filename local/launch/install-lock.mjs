import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileError } from './errors.mjs';

const POLL_MS = 250;
/** Between making the directory and writing the owner into it; longer means that the maker died in between. */
const OWNERLESS_MS = 10_000;
/** For an owner on another host (a shared or mounted directory), whose process can't be looked up. */
const FOREIGN_OWNER_MS = 15 * 60_000;

/** @typedef {{ pid: number, host: string, sinceMs: number }} Owner */

/**
 * Runs `install` while no other launcher installs into the same tree: `npm start` beside `npm test` on a fresh clone
 * would otherwise delete each other's half-made node_modules.
 * @template T
 * @param {string} repository
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
export async function withInstallLock(repository, install) {
  const lock = path.join(repository, '.local', 'install.lock');
  await acquire(lock);
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await install();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

/** @param {string} lock */
async function acquire(lock) {
  try {
    mkdirSync(path.dirname(lock), { recursive: true });
  } catch (error) {
    throw fileError(error);
  }
  for (let told = false; !tryAcquire(lock); told = true) {
    if (!told) console.log('· waiting for another Sluice command that is installing');
    await sleep(POLL_MS);
  }
}

/**
 * @param {string} lock a directory: making one is atomic on every file system
 * @returns {boolean}
 */
function tryAcquire(lock) {
  try {
    mkdirSync(lock);
    writeFileSync(
      ownerFile(lock),
      JSON.stringify({ pid: process.pid, host: hostname(), sinceMs: Date.now() }),
    );
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw fileError(error);
  }
  const state = inspect(lock);
  if (state !== undefined && isStale(state.owner, state.ageMs, Date.now())) removeStale(lock, state.text);
  return false;
}

/**
 * @param {Owner | undefined} owner undefined when its file is missing or unreadable
 * @param {number} ageMs of the lock directory
 * @param {number} nowMs
 * @param {(pid: number) => boolean} isAlive
 */
export function isStale(owner, ageMs, nowMs, isAlive = processIsAlive) {
  if (owner === undefined) return ageMs > OWNERLESS_MS;
  if (owner.host !== hostname()) return nowMs - owner.sinceMs > FOREIGN_OWNER_MS;
  return !isAlive(owner.pid);
}

/**
 * Two waiters may both find the lock stale, and the slower must not take away the lock that the faster has just made:
 * it moves the directory aside first and looks whose it got.
 * @param {string} lock
 * @param {string} staleText
 */
function removeStale(lock, staleText) {
  const aside = `${lock}.stale-${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  if (readOwnerText(aside) === staleText) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, lock);
}

/** @param {string} lock */
function inspect(lock) {
  const stat = statSync(lock, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const text = readOwnerText(lock);
  return { text, owner: parseOwner(text), ageMs: Date.now() - stat.mtimeMs };
}

/** @param {string} lock */
function readOwnerText(lock) {
  try {
    return readFileSync(ownerFile(lock), 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param {string} text
 * @returns {Owner | undefined}
 */
function parseOwner(text) {
  try {
    const { pid, host, sinceMs } = JSON.parse(text);
    return typeof pid === 'number' && typeof host === 'string' && typeof sinceMs === 'number'
      ? { pid, host, sinceMs }
      : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} lock */
function ownerFile(lock) {
  return path.join(lock, 'owner.json');
}

/** @param {number} pid */
function processIsAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
