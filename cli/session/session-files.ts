import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { Failure } from '../failure.ts';

/** Where an API's people sign in, as the API said when this one did. */
export const signInServerSchema = z.strictObject({
  authorizationUrl: z.url(),
  tokenUrl: z.url(),
  revocationUrl: z.url(),
  clientId: z.string(),
  scope: z.string(),
});
export type SignInServer = z.infer<typeof signInServerSchema>;

export const sessionSchema = z.strictObject({
  api: z.string(),
  server: signInServerSchema,
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresAt: z.iso.datetime(),
});
/** One person's sign-in at one API. */
export type Session = z.infer<typeof sessionSchema>;

/** Sessions as files that only their owner may read, one for each API, and which API the last sign-in was at. */
export interface SessionFiles {
  read(api: string): Session | undefined;
  write(session: Session): void;
  remove(api: string): void;
  /** Which API commands go to when none is named. */
  lastApi(): string | undefined;
  choose(api: string): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** XDG Base Directory Specification; on Windows, where applications keep such files. */
export const sessionDirectory = (environment: Environment, platform: NodeJS.Platform): string => {
  const configured = environment.XDG_CONFIG_HOME;
  // The specification says to ignore one that is relative.
  if (configured !== undefined && path.isAbsolute(configured)) return path.join(configured, 'sluice');
  if (platform === 'win32' && environment.APPDATA) return path.join(environment.APPDATA, 'sluice');
  return path.join(environment.HOME ?? homedir(), '.config', 'sluice');
};

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure(3, `can't read ${file}: ${(error as Error).message}`);
  }
};

const parse = (file: string, text: string): Session => {
  try {
    return sessionSchema.parse(JSON.parse(text));
  } catch {
    throw new Failure(3, `${file} is not a sign-in of this version of sluice: run sluice login again`);
  }
};

export const sessionFiles = (directory: string): SessionFiles => {
  // An address may be longer than a file name, and has characters that none may have.
  const fileOf = (api: string) =>
    path.join(directory, `${createHash('sha256').update(api).digest('hex').slice(0, 32)}.json`);
  const lastFile = path.join(directory, 'last-api');
  /** Whole or not at all, and never readable by others, not even for a moment. */
  const put = (file: string, text: string): void => {
    const draft = `${file}.${randomUUID()}`;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw new Failure(3, `can't write ${file}: ${(error as Error).message}`);
    }
  };
  return {
    read: (api) => {
      const text = textOf(fileOf(api));
      return text === undefined ? undefined : parse(fileOf(api), text);
    },
    write: (session) => put(fileOf(session.api), `${JSON.stringify(session, null, 2)}\n`),
    remove: (api) => {
      rmSync(fileOf(api), { force: true });
      if (textOf(lastFile)?.trim() === api) rmSync(lastFile, { force: true });
    },
    lastApi: () => textOf(lastFile)?.trim(),
    choose: (api) => put(lastFile, `${api}\n`),
  };
};
