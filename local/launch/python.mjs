import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileError, installError, LaunchError } from './errors.mjs';
import { runCaptured } from './run-captured.mjs';

const OLDEST_MINOR = 10;
const CANDIDATES = [
  'python3',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  'python3.14',
  'python',
];

/** Prints `3.11 ok`, or `3.11 no venv`: Debian and Ubuntu ship a Python without the modules that make an environment. */
const PROBE = `import sys
try:
    import venv, ensurepip
    rest = "ok"
except ImportError:
    rest = "no venv"
print("%d.%d %s" % (sys.version_info[0], sys.version_info[1], rest))`;

/**
 * @typedef {'ok' | 'no venv' | 'too old'} Fitness
 * @typedef {{ command: string, version: string, fitness: Fitness }} Python
 */

/**
 * The environment is current when its stamp names these requirements at this place: an environment that was moved or
 * half-installed has none, or another.
 * @param {string} repository
 */
export function pythonPackagesAreCurrent(repository) {
  const { python, stamp } = placesIn(repository);
  try {
    return existsSync(python) && readFileSync(stamp, 'utf8') === expectedStamp(repository);
  } catch {
    return false;
  }
}

/** @param {string} repository */
export async function installPythonPackages(repository) {
  const { environment, python, requirements, stamp } = placesIn(repository);
  const expected = expectedStamp(repository);
  const base = choosePython(CANDIDATES.flatMap((command) => probe(command) ?? []));
  console.log(`· installing the local AWS (Python ${base.version}; the first time takes a minute)`);
  try {
    rmSync(environment, { recursive: true, force: true });
  } catch (error) {
    throw fileError(error);
  }
  const cleanEnvironment = pythonEnvironment(process.env);
  const made = await runCaptured(base.command, ['-m', 'venv', environment], { env: cleanEnvironment });
  if (made.code !== 0) throw installError('pip', made.output);
  const pip = [
    '-m',
    'pip',
    'install',
    '--require-hashes',
    '--no-input',
    '--disable-pip-version-check',
    '--quiet',
  ];
  const installed = await runCaptured(python, [...pip, '--requirement', requirements], {
    env: cleanEnvironment,
  });
  if (installed.code !== 0) throw installError('pip', installed.output);
  writeFileSync(stamp, expected);
}

/**
 * @param {readonly Python[]} found in order of preference
 * @returns {Python}
 */
export function choosePython(found) {
  const fit = found.find(({ fitness }) => fitness === 'ok');
  if (fit !== undefined) return fit;
  const without =
    'With an emulator that already runs elsewhere on this machine, SLUICE_LOCAL_ENDPOINT=http://127.0.0.1:4566 needs no Python.';
  const crippled = found.find(({ fitness }) => fitness === 'no venv');
  if (crippled !== undefined) {
    throw new LaunchError(
      `The local AWS is a Python program, and this machine's Python ${crippled.version} has no venv and pip modules.`,
      `Install them (Debian, Ubuntu: \`sudo apt install python3-venv\`), and run the command again. ${without}`,
    );
  }
  const tooOld = found.map(({ command, version }) => `${command} is ${version}`).join(', ');
  throw new LaunchError(
    `The local AWS is a Python program and needs Python 3.${OLDEST_MINOR} or newer; this machine has ${tooOld === '' ? 'none' : `only an older one (${tooOld})`}.`,
    `Install a current Python (https://www.python.org/downloads, \`sudo apt install python3 python3-venv\`, \`brew install python\`), and run the command again. ${without}`,
  );
}

/**
 * @param {string} command
 * @param {string} probeOutput
 * @returns {Python | undefined} undefined for something that is no Python
 */
export function parseProbe(command, probeOutput) {
  const match = /^(\d+)\.(\d+) (ok|no venv)$/m.exec(probeOutput);
  if (match === null) return undefined;
  const [, major, minor, modules] = match;
  const isNewEnough = Number(major) > 3 || (Number(major) === 3 && Number(minor) >= OLDEST_MINOR);
  const fitness = !isNewEnough ? 'too old' : modules === 'ok' ? 'ok' : 'no venv';
  return { command, version: `${major}.${minor}`, fitness };
}

/**
 * Settings of this shell that would make pip install somewhere else, or Python load modules from somewhere else.
 * @param {NodeJS.ProcessEnv} inherited
 */
export function pythonEnvironment(inherited) {
  const redirecting =
    /^(PYTHONPATH|PYTHONHOME|PYTHONUSERBASE|VIRTUAL_ENV|PIP_(USER|TARGET|PREFIX|ROOT|REQUIREMENT|CONSTRAINT|NO_DEPS|DRY_RUN))$/;
  return Object.fromEntries(Object.entries(inherited).filter(([name]) => !redirecting.test(name)));
}

/** @param {string} command */
function probe(command) {
  const { status, stdout } = spawnSync(command, ['-c', PROBE], {
    encoding: 'utf8',
    env: pythonEnvironment(process.env),
  });
  return status === 0 ? parseProbe(command, stdout) : undefined;
}

/** @param {string} repository */
function placesIn(repository) {
  const environment = path.join(repository, '.local', 'venv');
  return {
    environment,
    python: path.join(environment, 'bin', 'python'),
    requirements: path.join(repository, 'local', 'requirements.txt'),
    stamp: path.join(environment, 'sluice-stamp'),
  };
}

/** @param {string} repository */
function expectedStamp(repository) {
  const { environment, requirements } = placesIn(repository);
  return createHash('sha256')
    .update(environment)
    .update('\0')
    .update(readFileSync(requirements))
    .digest('hex');
}
