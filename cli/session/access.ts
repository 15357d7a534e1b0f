import { Failure } from '../failure.ts';
import { apiAddress, shellWord } from './api-address.ts';
import type { SessionFiles } from './session-files.ts';
import { renew } from './sign-in.ts';

/** An API, and the token for it, asked for before each call because a command may outlive one. */
export interface Access {
  readonly api: string;
  token(): Promise<string>;
}

/** A token this close to its end might not live until the API looks at it. */
const RENEW_BEFORE_MILLISECONDS = 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** The API that a command is for: the one named, the environment's, or that of the last sign-in. */
export const chosenApi = (
  named: string | undefined,
  environment: Environment,
  files: Pick<SessionFiles, 'lastApi'>,
): string => {
  const text = named ?? (environment.SLUICE_API || undefined) ?? files.lastApi();
  if (text === undefined)
    throw new Failure(3, "not signed in: run sluice login --api URL (URL is the stack's output ApiUrl)");
  return apiAddress(text);
};

/**
 * How a command gets in: with SLUICE_TOKEN, which needs SLUICE_API beside it, or as whoever signed in.
 * @throws Failure with what to do, when nobody has.
 */
export const accessFrom = (
  named: string | undefined,
  environment: Environment,
  files: SessionFiles,
): Access => {
  const given = environment.SLUICE_TOKEN || undefined;
  if (given !== undefined) {
    const text = named ?? (environment.SLUICE_API || undefined);
    // A token must not go to whichever API happens to have been the last one.
    if (text === undefined) throw new Failure(2, 'SLUICE_TOKEN needs SLUICE_API, or --api URL, beside it');
    const api = apiAddress(text);
    return { api, token: async () => given };
  }
  const api = chosenApi(named, environment, files);
  let session = files.read(api);
  return {
    api,
    token: async () => {
      if (session === undefined)
        throw new Failure(3, `not signed in at ${api}: run sluice login --api ${shellWord(api)}`);
      if (Date.parse(session.expiresAt) - Date.now() > RENEW_BEFORE_MILLISECONDS) return session.accessToken;
      session = await renew(session);
      files.write(session);
      return session.accessToken;
    },
  };
};
