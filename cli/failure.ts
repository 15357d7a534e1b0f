import { getSystemErrorMessage } from 'node:util';

/** 1: the thing asked about failed. 2: wrong usage or input. 3: not signed in, not allowed, unreachable. */
export type FailureCode = 1 | 2 | 3;

/** Ends the command with a message for people that says what to do next, and an exit code for scripts. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
  readonly exitCode: FailureCode;

  constructor(exitCode: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The API did not answer, or too late; whether it took what was asked is not known. */
export class Unreachable extends Failure {
  override readonly name = 'Unreachable';

  constructor(api: string, cause: unknown) {
    const { message, cause: deeper } = cause as Error;
    const why = deeper instanceof Error && deeper.message !== '' ? deeper.message : message;
    super(3, `can't reach ${api}: ${why}. Check the address (--api, SLUICE_API) and your network`, { cause });
  }
}

/**
 * What the operating system says of a file that can't be read or written, as wrong input: the file was named by whoever ran
 * the command. An error of another kind stays as it is. `file` is for errors that don't know theirs: a read by descriptor.
 */
export const systemFailure = (error: unknown, file?: string): unknown => {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const { errno, message, path = file } = error as NodeJS.ErrnoException;
  const told =
    path === undefined || errno === undefined ? message : `${path}: ${getSystemErrorMessage(errno)}`;
  return new Failure(2, told, { cause: error });
};
