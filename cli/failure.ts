/** 1: the thing asked about failed. 2: wrong usage or input. 3: not signed in, not allowed, unreachable. */
export type FailureCode = 1 | 2 | 3;

/** Ends the command with a message for people that says what to do next, and an exit code for scripts. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: FailureCode;

  constructor(exitCode: FailureCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
