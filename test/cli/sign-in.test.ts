import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { type AddressInfo, connect, Server } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openApiDocument } from '#api/openapi.ts';
import { CALLBACK_URLS } from '#api/sign-in-schema.ts';
import { openCallback } from '../../cli/session/callback.ts';
import { beginSignIn, finishSignIn, revoke, signInServerOf } from '../../cli/session/sign-in.ts';
import { type FakeSluice, startFakeSluice } from './fake-sluice.ts';

let fake: FakeSluice;
beforeEach(async () => {
  fake = await startFakeSluice();
});
afterEach(() => fake.stop());

const REDIRECT = 'http://localhost:8976/callback';

/** The page's part: a code for the challenge that it was sent, and the way back. */
const comeBack = (pageUrl: string, changes: Readonly<Record<string, string>> = {}): URLSearchParams => {
  const { searchParams } = new URL(pageUrl);
  fake.codes.set('code-1', searchParams.get('code_challenge') ?? '');
  return new URLSearchParams({ code: 'code-1', state: searchParams.get('state') ?? '', ...changes });
};

describe('where people sign in', () => {
  it('is what the API’s description says, on its own host or another', async () => {
    expect(await signInServerOf(fake.url)).toEqual({
      authorizationUrl: `${fake.url}/oauth2/authorize`,
      tokenUrl: `${fake.url}/oauth2/token`,
      revocationUrl: `${fake.url}/oauth2/revoke`,
      clientId: 'cli-1',
      scope: 'sluice/api',
    });
    const elsewhere = openApiDocument([], { url: 'https://people.example.com', clientId: 'cli-2' });
    fake.answer('GET /v1/openapi.json', { status: 200, body: elsewhere });
    expect(await signInServerOf(fake.url)).toMatchObject({
      authorizationUrl: 'https://people.example.com/oauth2/authorize',
      clientId: 'cli-2',
    });
  });

  it('is never a page that can be read on the way', async () => {
    const plain = openApiDocument([], { url: 'http://people.example.com', clientId: 'cli-2' });
    fake.answer('GET /v1/openapi.json', { status: 200, body: plain });
    await expect(signInServerOf(fake.url)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/without https/),
    });
  });

  it('is not guessed at an address that is none of Sluice’s, or of nobody', async () => {
    fake.answer('GET /v1/openapi.json', { status: 200, body: { openapi: '3.1.0' } });
    await expect(signInServerOf(fake.url)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/ApiUrl/),
    });
    await expect(signInServerOf('http://127.0.0.1:1')).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/can't reach/),
    });
  });
});

describe('a sign-in', () => {
  it('asks for a code, tied to a secret of its own (PKCE, S256) and to a state', async () => {
    const server = await signInServerOf(fake.url);
    const one = await beginSignIn(server, REDIRECT);
    const asked = Object.fromEntries(new URL(one.pageUrl).searchParams);
    expect(asked).toEqual({
      response_type: 'code',
      client_id: 'cli-1',
      redirect_uri: REDIRECT,
      scope: 'sluice/api',
      state: one.state,
      code_challenge: createHash('sha256').update(one.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const two = await beginSignIn(server, REDIRECT);
    expect(two.state).not.toBe(one.state);
    expect(two.codeVerifier).not.toBe(one.codeVerifier);
    expect(one.pageUrl).not.toContain(one.codeVerifier);
  });

  it('trades the code for tokens, with the secret', async () => {
    const server = await signInServerOf(fake.url);
    const request = await beginSignIn(server, REDIRECT);
    const session = await finishSignIn(fake.url, server, request, comeBack(request.pageUrl));
    expect(session).toMatchObject({ api: fake.url, refreshToken: 'refresh-1' });
    expect(Date.parse(session.expiresAt) - Date.now()).toBeGreaterThan(3_500_000);
    const form = Object.fromEntries(new URLSearchParams(fake.asked.at(-1)?.body));
    expect(form).toEqual({
      grant_type: 'authorization_code',
      code: 'code-1',
      code_verifier: request.codeVerifier,
      redirect_uri: REDIRECT,
      client_id: 'cli-1',
    });
  });

  it.each([
    ['to another request', { state: 'another' }],
    ['that is a refusal', { error: 'access_denied', error_description: 'not today' }],
  ])('does not trade an answer %s', async (_, changes) => {
    const server = await signInServerOf(fake.url);
    const request = await beginSignIn(server, REDIRECT);
    await expect(
      finishSignIn(fake.url, server, request, comeBack(request.pageUrl, changes)),
    ).rejects.toMatchObject({ exitCode: 3, message: expect.stringMatching(/Run sluice login again/) });
    expect(fake.asked.filter(({ path }) => path === '/oauth2/token')).toEqual([]);
  });

  it('is refused when the code was given for another secret', async () => {
    const server = await signInServerOf(fake.url);
    const request = await beginSignIn(server, REDIRECT);
    const answer = comeBack(request.pageUrl);
    fake.codes.set('code-1', 'the challenge of somebody else');
    await expect(finishSignIn(fake.url, server, request, answer)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/the sign-in page refused: invalid_grant/),
    });
  });

  it('is ended at the page by its refresh token', async () => {
    const server = await signInServerOf(fake.url);
    const request = await beginSignIn(server, REDIRECT);
    await revoke(await finishSignIn(fake.url, server, request, comeBack(request.pageUrl)));
    const last = fake.asked.at(-1);
    expect(last?.path).toBe('/oauth2/revoke');
    expect(Object.fromEntries(new URLSearchParams(last?.body))).toEqual({
      token: 'refresh-1',
      client_id: 'cli-1',
    });
  });
});

/** Ports that are free now; the fixed ones may be in use on the machine that runs this. */
const freePorts = async (count: number): Promise<number[]> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
};

describe('the way back', () => {
  const bound = vi.spyOn(Server.prototype, 'listen');
  afterAll(() => bound.mockRestore());

  it('is one of the addresses that the sign-in page knows', () => {
    expect(CALLBACK_URLS).toHaveLength(3);
    for (const url of CALLBACK_URLS) expect(url).toMatch(/^http:\/\/localhost:\d+\/callback$/);
  });

  it('takes the answer to its own request, and nothing else', async () => {
    const callback = await openCallback(await freePorts(1));
    const answer = callback.answerTo('mine', 10);
    for (const wrong of ['?state=other&code=1', '?code=1', '', '/deeper?state=mine'])
      expect((await fetch(`${callback.url}${wrong}`)).status, wrong).toBe(400);
    expect((await fetch(`${callback.url}?state=mine&code=1`, { method: 'POST' })).status).toBe(400);
    const page = await fetch(`${callback.url}?state=mine&code=right`);
    expect(page.status).toBe(200);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect((await answer).get('code')).toBe('right');
    callback.close();
  });

  /** Where this process is listening. */
  const listened = (): readonly AddressInfo[] =>
    bound.mock.contexts.map((server) => (server as Server).address()).filter((at) => at !== null) as never;

  it('is on this machine only, on the next port when one is taken', async () => {
    const [taken = 0, free = 0] = await freePorts(2);
    const other = createServer().listen(taken, '127.0.0.1');
    await once(other, 'listening');
    const callback = await openCallback([taken, free]);
    expect(callback.url).toBe(`http://localhost:${free}/callback`);
    for (const { address, port } of listened().filter((bound) => bound.port === free))
      expect(['127.0.0.1', '::1'], `${address}:${port}`).toContain(address);
    expect(listened().map(({ port }) => port)).toContain(free);
    await expect(openCallback([taken, free])).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/all taken/),
    });
    callback.close();
    other.close();
  });

  it('turns away what is no address, and goes on waiting', async () => {
    const callback = await openCallback(await freePorts(1));
    const answer = callback.answerTo('mine', 10);
    const { hostname, port } = new URL(callback.url);
    // What somebody sees who comes back to a sign-in that is over says how to go on.
    expect(await (await fetch(callback.url)).text()).toMatch(/Close this page, and run sluice login again/);
    const wrong = get({ hostname, port, path: '//' });
    const [refused] = await once(wrong, 'response');
    expect(refused.statusCode).toBe(400);
    refused.resume();
    expect((await fetch(`${callback.url}?state=mine&code=right`)).status).toBe(200);
    expect((await answer).get('code')).toBe('right');
    callback.close();
  });

  it('does not outlast the sign-in for the sake of a connection that nobody uses', async () => {
    const callback = await openCallback(await freePorts(1));
    const idle = connect(Number(new URL(callback.url).port), '127.0.0.1');
    await once(idle, 'connect');
    // Accepted by now, because an answer over another one came later.
    await fetch(callback.url);
    const closed = once(idle, 'close');
    callback.close();
    await closed;
  });

  it('is not waited at for ever', async () => {
    const callback = await openCallback(await freePorts(1));
    await expect(callback.answerTo('mine', 0.05)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/nobody signed in/),
    });
    callback.close();
  });
});
