#!/usr/bin/env node
import { CommanderError } from 'commander';
import { ROLES_FORBID } from '../functions/platform/problem.ts';
import { ApiProblem } from './api-client.ts';
import { Failure, type FailureCode, systemFailure } from './failure.ts';
import { remark } from './output.ts';
import { sluiceProgram } from './program.ts';

/** What the API's refusal means to a script. */
const exitCodeOf = ({ problem: { status } }: ApiProblem): FailureCode => {
  if (status === 409) return 1;
  return status === 401 || status === 403 || status === 429 || status >= 500 ? 3 : 2;
};

const adviceOf = ({ problem: { status, detail } }: ApiProblem): string => {
  if (status === 401) return '\nRun sluice login, or give a fresh SLUICE_TOKEN.';
  return status === 403 && detail === ROLES_FORBID ? '\nsluice whoami tells your roles.' : '';
};

/** 128 and the number of SIGPIPE: what a shell tells of a program whose reader went away. */
const READER_GONE = 141;

// Whoever reads our output may stop early, as `head` does. How the command would have ended is not known then.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(READER_GONE);
  throw error;
});

try {
  await sluiceProgram().parseAsync();
} catch (thrown) {
  const error = systemFailure(thrown);
  // Commander has printed its own message by now; help and version end with 0.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof Failure) {
    remark(`sluice: ${error.message}`);
    process.exitCode = error.exitCode;
  } else if (error instanceof ApiProblem) {
    remark(`sluice: ${error.message}${adviceOf(error)}`);
    process.exitCode = exitCodeOf(error);
  } else throw error;
}
