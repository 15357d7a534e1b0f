import type { Command } from 'commander';
import { Failure } from './failure.ts';
import { withExample, withJson } from './options.ts';
import { answer, remark } from './output.ts';
import { accessFrom, chosenApi } from './session/access.ts';
import { openCallback } from './session/callback.ts';
import { type Person, personOf } from './session/identity.ts';
import { sessionDirectory, sessionFiles } from './session/session-files.ts';
import { beginSignIn, finishSignIn, revoke, signInServerOf } from './session/sign-in.ts';

/** Long enough for a first sign-in: a new password, and an authenticator app set up. */
const SIGN_IN_SECONDS = 600;

interface Options {
  readonly api?: string;
  readonly json?: true;
  readonly browser?: boolean;
}

const files = () => sessionFiles(sessionDirectory(process.env, process.platform));

const showPage = async (url: string, browser: boolean): Promise<void> => {
  remark(`Sign in at this page:\n\n  ${url}\n`);
  if (!browser || process.stderr.isTTY !== true) return;
  try {
    const { default: open } = await import('open');
    // A browser that does not start is no reason to end: the address is on the screen.
    (await open(url)).on('error', () => undefined);
  } catch {
    remark('No browser could be opened; open the address yourself.');
  }
};

const told = ({ api, login, roles }: { readonly api: string } & Person): string =>
  roles.length > 0
    ? `${login} at ${api}, with the roles ${roles.join(', ')}`
    : `${login} at ${api}, without any role: ask an administrator for a group such as sluice:viewer`;

const login = async ({ browser = true, json }: Options, command: Command): Promise<void> => {
  const store = files();
  const api = chosenApi(command.optsWithGlobals<Options>().api, process.env, store);
  const server = await signInServerOf(api);
  const callback = await openCallback();
  try {
    const request = await beginSignIn(server, callback.url);
    const arrival = callback.answerTo(request.state, SIGN_IN_SECONDS);
    await showPage(request.pageUrl, browser);
    const session = await finishSignIn(api, server, request, await arrival);
    store.write(session);
    store.choose(api);
    const person = { api, ...personOf(session.accessToken) };
    answer(person, json, (shown) => `Signed in as ${told(shown)}.`);
  } finally {
    callback.close();
  }
};

const logout = async ({ json }: Options, command: Command): Promise<void> => {
  const store = files();
  const api = chosenApi(command.optsWithGlobals<Options>().api, process.env, store);
  const session = store.read(api);
  if (session === undefined) throw new Failure(3, `nobody is signed in at ${api}`);
  store.remove(api);
  await revoke(session).catch((error: unknown) => {
    throw new Failure(
      3,
      `this machine has forgotten the sign-in, but the sign-in page could not be told (${(error as Error).message}): its tokens end by themselves within a day`,
    );
  });
  answer({ api, signedOut: true }, json, () => `Signed out at ${api}.`);
};

const whoami = async ({ json }: Options, command: Command): Promise<void> => {
  const access = accessFrom(command.optsWithGlobals<Options>().api, process.env, files());
  answer({ api: access.api, ...personOf(await access.token()) }, json, told);
};

const token = async (_: Options, command: Command): Promise<void> => {
  const access = accessFrom(command.optsWithGlobals<Options>().api, process.env, files());
  console.log(await access.token());
};

/** `sluice login | logout | whoami | token`. */
export const registerLogin = (program: Command): void => {
  withExample(
    withJson(program.command('login').description('sign in at the hosted page, in a browser'))
      .option('--no-browser', 'print the address of the page only')
      .action(login),
    'sluice login --api https://abc123.execute-api.eu-central-1.amazonaws.com',
    'ssh -L 8976:localhost:8976 build-host    # and there: sluice login --no-browser',
  );
  withExample(
    withJson(program.command('logout').description('end the sign-in, here and at the page')).action(logout),
    'sluice logout',
  );
  withExample(
    withJson(program.command('whoami').description('who you are signed in as, and your roles')).action(
      whoami,
    ),
    'sluice whoami --json',
  );
  withExample(
    program
      .command('token')
      .description('print an access token, good for an hour at most, for other HTTP clients')
      .action(token),
    'curl -H "Authorization: Bearer $(sluice token)" "$API/v1/releases"',
  );
};
