import path from 'node:path';

export const repositoryRoot = path.dirname(import.meta.dirname);

/** Holds the pinned Node 24 under the plain name `node`, which the emulator and `cdk.json` look up on PATH. */
export const binDirectory = path.join(repositoryRoot, 'node_modules', '.bin');

/** Everything that belongs to this machine only: git-ignored, safe to delete while nothing runs. */
export const localDirectory = path.join(repositoryRoot, '.local');

export const venvPython = path.join(localDirectory, 'venv', 'bin', 'python');
