/** A failure that needs the person at the keyboard: what happened, and what to do. Shown without a stack trace. */
export class LaunchError extends Error {
  /**
   * @param {string} message what happened
   * @param {string} advice what to do about it
   */
  constructor(message, advice) {
    super(message);
    this.name = 'LaunchError';
    this.advice = advice;
  }
}

const NO_SPACE = /ENOSPC|No space left on device|EDQUOT|Disk quota exceeded/i;
const NOT_WRITABLE = /EACCES|EPERM|EROFS|Permission denied|Read-only file system|Operation not permitted/i;
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network request .* failed|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|CERT_|SELF_SIGNED_CERT|\(from versions: none\)/i;
const TAMPERED = /EINTEGRITY|DO NOT MATCH THE HASHES/i;
const TAIL_LINES = 12;

/**
 * Says why an installer failed, from what it printed. Disk and permissions first: they also show up as failed downloads.
 * @param {'npm' | 'pip'} installer
 * @param {string} output
 * @returns {LaunchError}
 */
export function installError(installer, output) {
  const tail = output.trim().split('\n').slice(-TAIL_LINES).join('\n');
  const registry = installer === 'npm' ? 'the npm registry' : 'the Python package index';
  const setting = installer === 'npm' ? '`npm config get registry`' : '`pip config list`';
  const [what, advice] = explain();
  return new LaunchError(`${what}\nThe end of its output:\n${indent(tail)}\n`, advice);

  /** @returns {[string, string]} */
  function explain() {
    if (NO_SPACE.test(output)) {
      return [
        `${installer} ran out of disk space.`,
        'Free about 1 GB on the disk that holds this directory, and run the command again.',
      ];
    }
    if (TAMPERED.test(output)) {
      return [
        `${installer} downloaded a package whose checksum is not the recorded one, and refused it.`,
        `The index or a proxy in between serves different files (${setting}). Run the command again; if it repeats, find out why before going on.`,
      ];
    }
    if (UNREACHABLE.test(output)) {
      return [
        `${installer} could not reach ${registry}.`,
        `Check the network, the proxy (HTTPS_PROXY) and the configured address (${setting}), and run the command again.`,
      ];
    }
    if (NOT_WRITABLE.test(output)) {
      return [
        `${installer} was not allowed to write its files.`,
        'Make this directory, and your home directory’s package caches, writable for your user (`ls -ld . node_modules .local`), and run the command again.',
      ];
    }
    return [
      `${installer} could not install what Sluice needs.`,
      'The output above says why. Correct that, and run the command again.',
    ];
  }
}

/**
 * The same for a file operation of our own.
 * @param {unknown} error
 * @returns {unknown} a LaunchError if it is one of the two that a person can correct, else what came in
 */
export function fileError(error) {
  const text = error instanceof Error ? error.message : '';
  if (NO_SPACE.test(text))
    return new LaunchError(`The disk is full: ${text}`, 'Free about 1 GB, and run the command again.');
  if (NOT_WRITABLE.test(text)) {
    return new LaunchError(
      `Sluice keeps its local files in this directory and may not write here: ${text}`,
      'Make the directory writable for your user, or work on a copy of it, and run the command again.',
    );
  }
  return error;
}

/** @param {string} text */
function indent(text) {
  return text.replaceAll(/^/gm, '    ');
}
