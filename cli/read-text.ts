import { existsSync, readFileSync } from 'node:fs';
import { Failure, systemFailure } from './failure.ts';

/** A file that was named on the command line. @throws Failure when it can't be read. */
export const readText = (file: string): string => {
  if (!existsSync(file)) throw new Failure(2, `there is no file ${file}`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw systemFailure(error, file);
  }
};
