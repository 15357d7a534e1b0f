import * as oauth from 'oauth4webapi';
import * as z from 'zod';
import { signInSchemeSchema } from '../../functions/api/sign-in-schema.ts';
import { Failure, Unreachable } from '../failure.ts';
import { isPrivate } from './api-address.ts';
import type { Session, SignInServer } from './session-files.ts';

const REQUEST_MILLISECONDS = 15_000;

/** Told apart from what the page answers, because it may pass: whoever waits for a release asks again. */
const reach: typeof fetch = (address, init) =>
  fetch(address, init).catch((error: unknown) => {
    throw new Unreachable(String(address), error);
  });

/** Loopback is plain HTTP; every address was checked before (`isPrivate`). */
const requestOptions = () => ({
  [oauth.allowInsecureRequests]: true,
  [oauth.customFetch]: reach,
  signal: AbortSignal.timeout(REQUEST_MILLISECONDS),
});

const documentSchema = z.object({
  components: z.object({ securitySchemes: z.object({ signIn: signInSchemeSchema }) }),
});

const whyOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
};

/** How people sign in at an API, by the security scheme of its OpenAPI document. */
export const signInServerOf = async (api: string): Promise<SignInServer> => {
  const address = `${api}/v1/openapi.json`;
  const response = await fetch(address, { signal: AbortSignal.timeout(REQUEST_MILLISECONDS) }).catch(
    (error: unknown) => {
      throw new Unreachable(api, error);
    },
  );
  const document = documentSchema.safeParse(await response.json().catch(() => undefined));
  if (!response.ok || !document.success)
    throw new Failure(3, `${address} does not describe a Sluice API: give the stack's output ApiUrl`);
  const flow = document.data.components.securitySchemes.signIn.flows.authorizationCode;
  const absolute = (reference: string): string => {
    const url = new URL(reference, address);
    if (!isPrivate(url))
      throw new Failure(3, `${address} names a sign-in page without https; not going there`);
    return url.href;
  };
  return {
    authorizationUrl: absolute(flow.authorizationUrl),
    tokenUrl: absolute(flow.tokenUrl),
    revocationUrl: absolute(flow['x-revocation-url']),
    clientId: flow['x-client-id'],
    scope: Object.keys(flow.scopes).join(' '),
  };
};

const serverFor = ({
  authorizationUrl,
  tokenUrl,
  revocationUrl,
}: SignInServer): oauth.AuthorizationServer => ({
  issuer: new URL(authorizationUrl).origin,
  authorization_endpoint: authorizationUrl,
  token_endpoint: tokenUrl,
  revocation_endpoint: revocationUrl,
});

const clientFor = ({ clientId }: SignInServer): oauth.Client => ({ client_id: clientId });

/** A sign-in under way: the page to open, and what ties its answer to this request. */
export interface SignInRequest {
  readonly pageUrl: string;
  readonly state: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
}

/** Authorization code with PKCE (RFC 7636), S256. */
export const beginSignIn = async (server: SignInServer, redirectUri: string): Promise<SignInRequest> => {
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const page = new URL(server.authorizationUrl);
  const parameters = {
    response_type: 'code',
    client_id: server.clientId,
    redirect_uri: redirectUri,
    scope: server.scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) page.searchParams.set(name, value);
  return { pageUrl: page.href, state, codeVerifier, redirectUri };
};

const sessionOf = (
  api: string,
  server: SignInServer,
  answer: oauth.TokenEndpointResponse,
  refreshToken: string | undefined,
): Session => {
  const next = answer.refresh_token ?? refreshToken;
  if (next === undefined || answer.expires_in === undefined)
    throw new Failure(3, 'the sign-in page gave no token that can be renewed; ask who runs Sluice');
  return {
    api,
    server,
    accessToken: answer.access_token,
    refreshToken: next,
    expiresAt: new Date(Date.now() + answer.expires_in * 1_000).toISOString(),
  };
};

/**
 * Asks the sign-in page for tokens and makes a session of them.
 * @throws Failure as it comes from below, or in the words of `refused` for any other error.
 */
const sessionFrom = async (
  { api, server, refreshToken }: Pick<Session, 'api' | 'server'> & Partial<Session>,
  ask: (as: oauth.AuthorizationServer, client: oauth.Client) => Promise<oauth.TokenEndpointResponse>,
  refused: (error: unknown) => string,
): Promise<Session> => {
  try {
    return sessionOf(api, server, await ask(serverFor(server), clientFor(server)), refreshToken);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(3, refused(error));
  }
};

/**
 * Trades the code that came back for tokens.
 * @throws Failure when the page refused, or the answer is not to this request.
 */
export const finishSignIn = async (
  api: string,
  server: SignInServer,
  { state, codeVerifier, redirectUri }: SignInRequest,
  answer: URLSearchParams,
): Promise<Session> =>
  sessionFrom(
    { api, server },
    async (as, client) => {
      const checked = oauth.validateAuthResponse(as, client, answer, state);
      const response = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        checked,
        redirectUri,
        codeVerifier,
        requestOptions(),
      );
      return oauth.processAuthorizationCodeResponse(as, client, response);
    },
    (error) =>
      error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError
        ? `the sign-in page refused: ${error.error_description ?? error.error}. Run sluice login again`
        : `signing in did not work: ${whyOf(error)}. Run sluice login again`,
  );

/**
 * New tokens for a session whose access token has run out.
 * @throws Unreachable when the page can't be asked; Failure when it says no, or nothing that makes sense.
 */
export const renew = (session: Session): Promise<Session> =>
  sessionFrom(
    session,
    async (as, client) => {
      const { refreshToken } = session;
      const response = await oauth.refreshTokenGrantRequest(
        as,
        client,
        oauth.None(),
        refreshToken,
        requestOptions(),
      );
      return oauth.processRefreshTokenResponse(as, client, response);
    },
    (error) =>
      error instanceof oauth.ResponseBodyError
        ? `your sign-in at ${session.api} has ended: run sluice login`
        : `can't renew your sign-in at ${session.api}: ${whyOf(error)}. Try again, or run sluice login`,
  );

/** Ends a session at the sign-in page (RFC 7009): its refresh token is good for nothing from then on. */
export const revoke = async ({ server, refreshToken }: Session): Promise<void> => {
  const response = await oauth.revocationRequest(
    serverFor(server),
    clientFor(server),
    oauth.None(),
    refreshToken,
    requestOptions(),
  );
  await oauth.processRevocationResponse(response);
};
