import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Unreachable } from '../../cli/failure.ts';
import { accessFrom } from '../../cli/session/access.ts';
import { apiAddress, shellWord } from '../../cli/session/api-address.ts';
import { personOf } from '../../cli/session/identity.ts';
import { type Session, sessionDirectory, sessionFiles } from '../../cli/session/session-files.ts';
import { type FakeSluice, startFakeSluice, tokenFor } from './fake-sluice.ts';

let directory: string;
let fake: FakeSluice;
beforeEach(async () => {
  directory = path.join(mkdtempSync(path.join(tmpdir(), 'sluice-session-')), 'sluice');
  fake = await startFakeSluice();
});
afterEach(async () => {
  rmSync(path.dirname(directory), { recursive: true });
  await fake.stop();
});

const sessionAt = (api: string, minutesLeft: number): Session => ({
  api,
  server: {
    authorizationUrl: `${api}/oauth2/authorize`,
    tokenUrl: `${api}/oauth2/token`,
    revocationUrl: `${api}/oauth2/revoke`,
    clientId: 'cli-1',
    scope: 'sluice/api',
  },
  accessToken: 'the old one',
  refreshToken: 'refresh-0',
  expiresAt: new Date(Date.now() + minutesLeft * 60_000).toISOString(),
});

describe('the files of sign-ins', () => {
  it('can be read by their owner only, whatever was there before', () => {
    const files = sessionFiles(directory);
    files.write(sessionAt('https://one.example.com', 60));
    files.write(sessionAt('https://one.example.com', 90));
    files.choose('https://one.example.com');
    const names = readdirSync(directory);
    expect(names).toHaveLength(2);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of names) expect(statSync(path.join(directory, name)).mode & 0o777, name).toBe(0o600);
  });

  it('are one for each API, and the last sign-in says which is meant', () => {
    const files = sessionFiles(directory);
    expect(files.lastApi()).toBeUndefined();
    for (const api of ['https://one.example.com', 'https://two.example.com']) {
      files.write(sessionAt(api, 60));
      files.choose(api);
    }
    expect(files.lastApi()).toBe('https://two.example.com');
    expect(files.read('https://one.example.com')?.api).toBe('https://one.example.com');
    files.remove('https://two.example.com');
    expect(files.lastApi()).toBeUndefined();
    expect(files.read('https://two.example.com')).toBeUndefined();
  });

  it('that are none of ours are refused, not guessed at', () => {
    const files = sessionFiles(directory);
    files.write(sessionAt('https://one.example.com', 60));
    const [name = ''] = readdirSync(directory);
    writeFileSync(path.join(directory, name), '{"accessToken":"x"}');
    expect(() => files.read('https://one.example.com')).toThrow(/run sluice login again/);
  });

  it('are where the platform keeps such files', () => {
    expect(sessionDirectory({ XDG_CONFIG_HOME: '/etc/me', HOME: '/home/me' }, 'linux')).toBe(
      '/etc/me/sluice',
    );
    expect(sessionDirectory({ XDG_CONFIG_HOME: 'relative', HOME: '/home/me' }, 'linux')).toBe(
      '/home/me/.config/sluice',
    );
    expect(sessionDirectory({ APPDATA: '/roaming', HOME: '/home/me' }, 'win32')).toBe('/roaming/sluice');
  });
});

describe('the address of an API', () => {
  it('has one spelling', () => {
    expect(apiAddress('https://API.example.com/')).toBe('https://api.example.com');
    expect(apiAddress('http://127.0.0.1:4566/_aws/execute-api/a1/$default/')).toBe(
      'http://127.0.0.1:4566/_aws/execute-api/a1/$default',
    );
  });

  it.each([
    ['no URL', 'api.example.com', /not the address/],
    ['readable on the way', 'http://api.example.com', /must be https/],
    ['another protocol', 'ftp://api.example.com', /must be https/],
    ['with a password in it', 'https://me:secret@api.example.com', /not the address/],
    ['with a query', 'https://api.example.com?a=1', /not the address/],
  ])('is refused when it is %s', (_, text, why) => {
    expect(() => apiAddress(text)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(why) }),
    );
  });

  it('is told as a word that a shell leaves alone', () => {
    expect(shellWord('https://api.example.com/a')).toBe('https://api.example.com/a');
    expect(shellWord("http://localhost/$default/it's")).toBe("'http://localhost/$default/it'\\''s'");
  });
});

describe('access', () => {
  const none = {};

  it('is refused with what to do when nobody has signed in', async () => {
    const files = sessionFiles(directory);
    expect(() => accessFrom(undefined, none, files)).toThrow(/not signed in: run sluice login --api URL/);
    const access = accessFrom(fake.url, none, files);
    await expect(access.token()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/sluice login --api/),
    });
  });

  it('goes to the API that is named, else the environment’s, else the last one', () => {
    const files = sessionFiles(directory);
    files.choose('https://last.example.com');
    const environment = { SLUICE_API: 'https://environment.example.com' };
    expect(accessFrom('https://named.example.com', environment, files).api).toBe('https://named.example.com');
    expect(accessFrom(undefined, environment, files).api).toBe('https://environment.example.com');
    expect(accessFrom(undefined, { SLUICE_API: '' }, files).api).toBe('https://last.example.com');
  });

  it('by a token of the environment never goes to an API that was not named beside it', async () => {
    const files = sessionFiles(directory);
    files.choose('https://last.example.com');
    expect(() => accessFrom(undefined, { SLUICE_TOKEN: 't' }, files)).toThrow(
      /SLUICE_TOKEN needs SLUICE_API/,
    );
    const access = accessFrom(undefined, { SLUICE_TOKEN: 't', SLUICE_API: fake.url }, files);
    expect(await access.token()).toBe('t');
    expect(fake.asked).toEqual([]);
  });

  it('uses a token while it is good, and asks nobody', async () => {
    const files = sessionFiles(directory);
    files.write(sessionAt(fake.url, 30));
    expect(await accessFrom(fake.url, none, files).token()).toBe('the old one');
    expect(fake.asked).toEqual([]);
  });

  it('renews one that is about to end, keeps it, and keeps what renews it', async () => {
    const files = sessionFiles(directory);
    files.write(sessionAt(fake.url, 0.5));
    const access = accessFrom(fake.url, none, files);
    const token = await access.token();
    expect(personOf(token)).toEqual({ login: 'olive', roles: ['operator'] });
    expect(await access.token()).toBe(token);
    expect(fake.asked.map(({ path: asked }) => asked)).toEqual(['/oauth2/token']);
    expect(Object.fromEntries(new URLSearchParams(fake.asked[0]?.body))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-0',
      client_id: 'cli-1',
    });
    expect(files.read(fake.url)).toMatchObject({ accessToken: token, refreshToken: 'refresh-0' });
  });

  it('keeps the new refresh token when the page hands one out', async () => {
    const files = sessionFiles(directory);
    files.write(sessionAt(fake.url, 0));
    const body = {
      access_token: tokenFor('olive'),
      token_type: 'Bearer',
      expires_in: 60,
      refresh_token: 'refresh-2',
    };
    fake.answer('POST /oauth2/token', { status: 200, body });
    await accessFrom(fake.url, none, files).token();
    expect(files.read(fake.url)?.refreshToken).toBe('refresh-2');
  });

  it('says that a sign-in has ended, and that one could not be renewed, each as what it is', async () => {
    const files = sessionFiles(directory);
    files.write(sessionAt(fake.url, 0));
    fake.answer('POST /oauth2/token', { status: 400, body: { error: 'invalid_grant' } });
    const token = () => accessFrom(fake.url, none, files).token();
    await expect(token()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/has ended: run sluice login/),
    });
    fake.answer('POST /oauth2/token', { status: 502, body: 'bad gateway' });
    await expect(token()).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/can't renew .*Try again/),
    });
    expect(files.read(fake.url)?.refreshToken).toBe('refresh-0');
  });
});

it('a sign-in page that can’t be reached is worth asking again, when a sign-in is to be renewed', async () => {
  const files = sessionFiles(directory);
  files.write(sessionAt('http://127.0.0.1:1', 0));
  const renewing = accessFrom('http://127.0.0.1:1', {}, files).token();
  await expect(renewing).rejects.toBeInstanceOf(Unreachable);
  await expect(renewing).rejects.toThrow(/can't reach http:\/\/127\.0\.0\.1:1\/oauth2\/token/);
});

it.each(['', 'abc', 'a.b.c', tokenFor('')])('knows nobody by what is no access token: %s', (token) => {
  expect(() => personOf(token)).toThrow(/no access token/);
});
