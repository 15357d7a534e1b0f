import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { newPassword } from '../../local/people.ts';
import { fillIn } from './cli/hosted-page.ts';
import { type Machine, newMachine, type Ran } from './cli/sluice.ts';
import { awsSettings, createService, recorded, tokenOf, withService, world } from './harness.ts';
import { expectSound } from './invariants.ts';

const GOOD = VARIANTS.good.version;
const FAILING = VARIANTS.failing.version;

const SLOW_PLAN = {
  stages: [
    { weightPercent: 25, rounds: 60, roundSeconds: 2 },
    { weightPercent: 100, rounds: 1, roundSeconds: 2 },
  ],
  watchSeconds: 0,
};

const signIn = async (
  machine: Machine,
  username: string,
  password: string = world.password,
  changed?: string,
): Promise<Ran> => {
  const running = machine.start(['login', '--no-browser', '--json', '--api', world.apiUrl]);
  const [pageUrl] = await running.told(/https?:\S+/);
  const back = await fillIn(pageUrl, username, password, changed);
  expect((await fetch(back)).status).toBe(200);
  return running.ended;
};

const json = ({ code, stdout, stderr }: Ran) => {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

/** The one file of the one sign-in. */
const sessionFile = ({ home }: Machine): string => {
  const directory = path.join(home, '.config', 'sluice');
  const [file = ''] = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return path.join(directory, file);
};

const change = (file: string, changes: object): void =>
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));

const LONG_AGO = '2020-01-01T00:00:00.000Z';

let olive: Machine;
let vera: Machine;
beforeAll(async () => {
  [olive, vera] = [newMachine(), newMachine()];
  json(await signIn(olive, 'olive'));
  json(await signIn(vera, 'vera'));
});
afterAll(() => {
  olive.dispose();
  vera.dispose();
});

describe('signing in through the hosted page', () => {
  it('makes one who one is, with the roles of one’s groups, in a file that only its owner can read', async () => {
    expect(json(await olive.run('whoami', '--json'))).toEqual({
      api: world.apiUrl,
      login: 'olive',
      roles: ['operator', 'auditor'],
    });
    expect(statSync(sessionFile(olive)).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(sessionFile(olive))).mode & 0o777).toBe(0o700);
  });

  it('takes a first sign-in with the password that an administrator made', async () => {
    const username = `nina-${randomBytes(3).toString('hex')}`;
    const first = newPassword();
    const cognito = new CognitoIdentityProviderClient(awsSettings);
    const who = { UserPoolId: world.pool.userPoolId, Username: username };
    await cognito.send(
      new AdminCreateUserCommand({ ...who, MessageAction: 'SUPPRESS', TemporaryPassword: first }),
    );
    await cognito.send(new AdminAddUserToGroupCommand({ ...who, GroupName: 'sluice:viewer' }));
    const machine = newMachine();
    expect(json(await signIn(machine, username, first, newPassword()))).toMatchObject({ login: username });
    expect(json(await machine.run('release', 'list', '--json'))).toBeInstanceOf(Array);
    machine.dispose();
  });

  it('turns away an answer that is not to its own request, and goes on waiting', async () => {
    const machine = newMachine();
    const running = machine.start(['login', '--no-browser', '--json', '--api', world.apiUrl]);
    const [pageUrl] = await running.told(/https?:\S+/);
    const callback = new URL(new URL(pageUrl).searchParams.get('redirect_uri') ?? '');
    callback.search = new URLSearchParams({ code: 'stolen', state: 'guessed' }).toString();
    expect((await fetch(callback)).status).toBe(400);
    const back = await fillIn(pageUrl, 'vera', world.password);
    await fetch(back);
    expect(json(await running.ended)).toMatchObject({ login: 'vera' });
    machine.dispose();
  });

  it('lasts longer than a token: it is renewed, roles included', async () => {
    change(sessionFile(olive), { expiresAt: LONG_AGO, accessToken: 'worn out' });
    expect(json(await olive.run('whoami', '--json'))).toMatchObject({ roles: ['operator', 'auditor'] });
    const after = JSON.parse(readFileSync(sessionFile(olive), 'utf8'));
    expect(after.accessToken.split('.')).toHaveLength(3);
    expect(Date.parse(after.expiresAt)).toBeGreaterThan(Date.now());
    expect(statSync(sessionFile(olive)).mode & 0o777).toBe(0o600);
  });

  it('is over after signing out, even for whoever has copied the file', async () => {
    const machine = newMachine();
    json(await signIn(machine, 'vera'));
    const file = sessionFile(machine);
    const copy = readFileSync(file, 'utf8');
    expect(json(await machine.run('logout', '--json'))).toEqual({ api: world.apiUrl, signedOut: true });
    expect(await machine.run('release', 'list')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/not signed in: run sluice login/),
    });
    writeFileSync(file, copy);
    change(file, { expiresAt: LONG_AGO });
    expect(await machine.run('release', 'list', '--api', world.apiUrl)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/has ended: run sluice login/),
    });
    machine.dispose();
  });

  it('is not needed by a pipeline that has a token', async () => {
    const machine = newMachine({ SLUICE_API: world.apiUrl, SLUICE_TOKEN: await tokenOf('robin') });
    expect(json(await machine.run('whoami', '--json'))).toMatchObject({
      login: 'robin',
      roles: ['requester'],
    });
    expect(json(await machine.run('release', 'list', '--json'))).toBeInstanceOf(Array);
    machine.dispose();
  });

  it('gives other HTTP clients a token to use', async () => {
    const { stdout } = await olive.run('token');
    const headers = { authorization: `Bearer ${stdout.trim()}` };
    expect((await fetch(`${world.apiUrl}/v1/services`, { headers })).status).toBe(200);
  });
});

describe('services', () => {
  withService('are registered and changed by files', async ({ service: { service } }) => {
    const { stdout } = await olive.run('service', 'get', service);
    const file = path.join(olive.home, `${service}.yaml`);
    writeFileSync(file, stdout);
    expect(json(await olive.run('service', 'apply', '-f', file, '--json'))).toMatchObject([
      { service, revision: 1 },
    ]);
    writeFileSync(file, `${stdout}\nowner: team payments\n`);
    expect(await olive.run('service', 'apply', '-f', file)).toMatchObject({
      code: 0,
      stdout: `${service}: revision 2, for production\n`,
    });
    const listed = await vera.run('service', 'list');
    expect(listed.stdout).toMatch(new RegExp(`^${service} +production +team payments +2 `, 'm'));
  });

  it('that are wrong are refused by the name of the field: 2', async () => {
    const file = path.join(olive.home, 'wrong.yaml');
    writeFileSync(file, 'service: wrong\nenvironments:\n  production: {}\n');
    expect(await olive.run('service', 'apply', '-f', file)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/environments\.production\.target/),
    });
  });
});

const idIn = ({ stdout, stderr }: Ran): ReleaseId => /rel_\w{26}/.exec(stdout + stderr)?.[0] as ReleaseId;

describe('releases', () => {
  withService('that are good end with 0, told as they go', async ({ service }) => {
    const ran = await olive.run(
      ...['release', 'start', service.service, '--env', 'production', '--version', GOOD],
      ...['--notes', 'faster basket', '--key', `key-${service.service}`, '--wait', '--timeout', '3m'],
    );
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/^\d\d:\d\d:\d\d {2}asked for by olive$/m);
    expect(ran.stdout).toMatch(/stage 1 passed/);
    expect(ran.stdout.trim().split('\n').at(-1)).toBe(`${service.service} ${GOOD} in production: promoted`);
    await expectSound(service, idIn(ran), { outcome: 'promoted', runs: GOOD });
    const shown = await vera.run('release', 'show', idIn(ran));
    expect(shown.stdout).toMatch(/notes +faster basket/);
    expect(shown.stdout).toMatch(/ended: promoted/);
  });

  withService('that are bad end with 1, whether waited for or watched', async ({ service }) => {
    const started = await olive.run(
      ...['release', 'start', service.service, '--env', 'production', '--version', FAILING, '--json'],
    );
    const { releaseId } = json(started);
    const [waited, watched] = await Promise.all([
      olive.run('release', 'wait', releaseId, '--json'),
      vera.run('release', 'watch', releaseId, '--json'),
    ]);
    expect(waited.code).toBe(1);
    expect(JSON.parse(waited.stdout)).toMatchObject({ releaseId, phase: 'rolled-back' });
    expect(watched.code).toBe(1);
    const types = watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event.type);
    expect(types[0]).toBe('release.accepted');
    expect(types).toContain('release.rolled-back');
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.stable.version });
  });

  it('are paused, resumed and aborted; a second one has to wait', async () => {
    // Minutes at the first weight, so that it is still there however slow the machine is.
    const service = await createService({ plan: SLOW_PLAN });
    const ask = ['release', 'start', service.service, '--env', 'production', '--version', GOOD];
    const releaseId = idIn(await olive.run(...ask));
    await recorded(releaseId, 'release.shift.done');
    expect(await olive.run(...ask)).toMatchObject({ code: 1, stderr: expect.stringContaining(releaseId) });
    expect(await olive.run('release', 'pause', releaseId)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/looks go on/),
    });
    expect(await olive.run('release', 'wait', releaseId, '--timeout', '1s')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`sluice release wait ${releaseId}`),
    });
    expect((await vera.run('release', 'show', releaseId)).stdout).toMatch(
      /paused +by olive: no reason given/,
    );
    expect((await olive.run('release', 'resume', releaseId, '--reason', 'go on')).code).toBe(0);
    const aborted = await olive.run('release', 'abort', releaseId, '--reason', 'wrong build', '--json');
    expect(json(aborted)).toMatchObject({ releaseId, command: 'abort', traffic: 'restored' });
    expect((await olive.run('release', 'wait', releaseId)).code).toBe(1);
    // The same person aborting again is told that it was taken; anything else comes too late.
    expect(await olive.run('release', 'abort', releaseId)).toMatchObject({ code: 0 });
    expect(await olive.run('release', 'pause', releaseId)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has ended/),
    });
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.stable.version });
    await service.stop();
  });
});

describe('after a promotion', () => {
  withService(
    'one command brings the last good version back; a drill is timed; both are in the report',
    async ({ service }) => {
      const name = service.service;
      const where = ['--env', 'production'];
      const started = await olive.run('release', 'start', name, ...where, '--version', GOOD, '--wait');
      expect(started.code, started.stderr).toBe(0);
      const drill = json(await olive.run('rollback-drill', name, ...where, '--json'));
      expect(drill).toMatchObject({ strategy: 'drill', outcome: 'rolled-back', passed: true });
      expect(drill.milliseconds).toBeLessThan(60_000);
      const back = await olive.run('rollback', name, ...where, '--reason', 'wrong refunds');
      expect(back.code, back.stderr).toBe(0);
      await expectSound(service, idIn(back), { outcome: 'promoted', runs: VARIANTS.stable.version });
      expect((await vera.run('rollbacks', name)).stdout).toMatch(
        /^drills: 1 of 1 verified back within 60 s/m,
      );
      const again = await olive.run('rollback', name, ...where);
      expect(again).toMatchObject({ code: 1, stdout: '' });
    },
  );
});

describe('a whole environment', () => {
  withService('is frozen until it is thawed, and brought back at once', async ({ service }) => {
    // Another name than other tests' services have: the freeze is for everyone in it.
    const environment = `e2e-${randomBytes(3).toString('hex')}`;
    const { definition } = json(await olive.run('service', 'get', service.service, '--json'));
    const file = path.join(olive.home, 'frozen.json');
    const environments = { ...definition.environments, [environment]: definition.environments.production };
    writeFileSync(file, JSON.stringify({ service: service.service, environments }));
    expect((await olive.run('service', 'apply', '-f', file)).code).toBe(0);
    const where = ['--env', environment];
    const ask = ['release', 'start', service.service, ...where, '--version', GOOD];
    const frozen = await olive.run('freeze', ...where, '--until', '1h', '--reason', 'looking into it');
    expect(frozen.stdout).toMatch(/is frozen until .* by olive: looking into it/);
    expect(await olive.run(...ask)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/frozen by olive/),
    });
    expect((await vera.run('freeze', ...where)).stdout).toBe(frozen.stdout);
    expect((await olive.run('thaw', ...where)).stdout).toBe(`releases may start in ${environment}\n`);
    const releaseId = idIn(await olive.run(...ask));
    await recorded(releaseId, 'release.shift.done');
    const aborted = json(await olive.run('abort-all', ...where, '--reason', 'fire', '--json'));
    expect(aborted).toMatchObject({ complete: true, releases: [{ releaseId, result: 'restored' }] });
    expect((await olive.run('release', 'wait', releaseId)).code).toBe(1);
    const { retriedAs } = json(await olive.run('release', 'retry', releaseId, '--json'));
    expect(json(await vera.run('release', 'show', retriedAs, '--json'))).toMatchObject({ version: GOOD });
    await olive.run('abort-all', ...where);
    await olive.run('release', 'wait', retriedAs);
  });
});

describe('kill switches', () => {
  it('are seen by everyone, and set by operators, in some environments or in all', async () => {
    // Another name than other tests' services have: whatever is off is off there only.
    const environment = `e2e-${randomBytes(3).toString('hex')}`;
    const set = ['flags', 'set', 'canaryMonitoring'];
    const off = await olive.run(...set, 'off', '--in', environment, '--reason', 'looking into it');
    expect(off.code, off.stderr).toBe(0);
    expect(off.stdout).toMatch(
      new RegExp(`^canaryMonitoring is off in ${environment} \\(.*in force within `),
    );
    expect((await vera.run('flags', 'list')).stdout).toMatch(
      new RegExp(`^canaryMonitoring +off in ${environment} .* by olive: looking into it$`, 'm'),
    );
    expect((await vera.run(...set, 'on')).code).toBe(3);
    expect(json(await olive.run(...set, 'on', '--json'))).toMatchObject({ on: true, offIn: [] });
  });
});

describe('exit codes', () => {
  it('is 3 for what one’s roles do not allow, and says which would', async () => {
    const ask = ['release', 'start', 'checkout', '--env', 'production', '--version', '1'];
    expect(await vera.run(...ask)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/needs one of: requester, operator.*\n.*whoami/),
    });
  });

  it.each([
    ['an unknown command', ['release', 'begin']],
    ['a missing option', ['release', 'start', 'checkout']],
    ['what is no id of a release', ['release', 'show', 'latest']],
    ['a release that does not exist', ['release', 'show', 'rel_00000000000000000000000000']],
    ['a service that does not exist', ['service', 'get', 'absent-service']],
    [
      'a version that none can have',
      ['release', 'start', 'checkout', '--env', 'production', '--version', 'a b'],
    ],
  ])('is 2 for %s', async (_, args) => {
    const ran = await olive.run(...args);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).not.toBe('');
  });
});
