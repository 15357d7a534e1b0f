import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Problem } from '#platform/problem.ts';
import { phaseOf, type Release } from '#releases/release.ts';
import { sluiceProgram } from '../../cli/program.ts';
import { anExperiment, experimentInput } from '../builders/experiment.ts';
import { aRelease, NOW, releaseIdOf } from '../builders/release.ts';
import { aRegisteredService } from '../builders/service.ts';
import { type FakeSluice, startFakeSluice, tokenFor } from './fake-sluice.ts';

// Each test starts the command anew, some more than once, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const home = mkdtempSync(path.join(tmpdir(), 'sluice-commands-'));
afterAll(() => rmSync(home, { recursive: true }));

let fake: FakeSluice;
beforeEach(async () => {
  fake = await startFakeSluice();
});
afterEach(() => fake.stop());

const start = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      SLUICE_API: fake.url,
      SLUICE_TOKEN: tokenFor('olive', 'operator'),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended };
};

const sluice = (...asked: Parameters<typeof start>) => start(...asked).ended;

const ID = releaseIdOf(1);
const view = (overrides: Partial<Release> = {}) => {
  const release = aRelease(overrides);
  return { ...release, phase: phaseOf(release) };
};
const ended = (outcome: NonNullable<Release['outcome']>) =>
  view({ mode: 'done', outcome, concludedAt: NOW, reasons: [{ code: 'why', text: 'for this reason' }] });

const problem = (status: number, title: string): { status: number; body: Problem } => ({
  status,
  body: { type: 'about:blank', title, status, detail: 'what happened' },
});

const START = ['release', 'start', 'checkout', '--env', 'production', '--version', '2'];

describe('what the API refuses', () => {
  it.each([
    [400, 2, ''],
    [401, 3, 'sluice login'],
    [403, 3, ''],
    [404, 2, ''],
    [409, 1, ''],
  ])('with %i ends the command with %i, in the words of the API', async (status, code, advice) => {
    fake.answer('POST /v1/releases', problem(status, 'A title'));
    const ran = await sluice(START);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toMatch(/^sluice: A title: what happened/);
    expect(ran.stderr).toContain(advice);
  });

  it('because of one’s roles says how to learn them; because of a rule that is for everybody, not', async () => {
    const refusal = (detail: string) => ({
      status: 403,
      body: { ...problem(403, 'Not allowed').body, detail },
    });
    fake.answer('POST /v1/releases', refusal('your roles do not allow this'));
    expect((await sluice(START)).stderr).toMatch(/\nsluice whoami tells your roles\.\n$/);
    fake.answer('POST /v1/releases', refusal('canaryDeployment is switched off: no new release starts'));
    expect((await sluice(START)).stderr).toBe(
      'sluice: Not allowed: canaryDeployment is switched off: no new release starts\n',
    );
  });

  it('is shown to people, not obeyed by their terminal', async () => {
    fake.answer('POST /v1/releases', {
      status: 409,
      body: { ...problem(409, 'Not now').body, detail: 'frozen by \u001b]0;x\u0007eve' },
    });
    expect((await sluice(START)).stderr).toBe('sluice: Not now: frozen by \\u001b]0;x\\u0007eve\n');
  });

  it('in the gateway’s own words is told too', async () => {
    fake.answer('GET /v1/releases', { status: 401, body: { message: 'Unauthorized' } });
    expect(await sluice(['release', 'list'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/HTTP 401: Unauthorized\nRun sluice login/),
    });
  });

  it('for a moment is asked again, with the same key', async () => {
    fake.answer('POST /v1/releases', problem(503, 'Try again shortly'), { status: 202, body: view() });
    const ran = await sluice(START);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining(ID) });
    const keys = fake.asked.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).toMatch(/\S{20}/);
  });
});

describe('an API', () => {
  it('that can’t be reached is said to be: 3', async () => {
    const { url } = fake;
    await fake.stop();
    fake = await startFakeSluice();
    const ran = await sluice(['login', '--no-browser'], { SLUICE_API: url });
    expect(ran).toMatchObject({ code: 3, stderr: expect.stringMatching(/can't reach .*: .*ECONNREFUSED/) });
  });

  it('that answers what this version does not know is not made sense of: 3', async () => {
    fake.answer('GET /v1/releases', { status: 200, body: { releases: [{ releaseId: ID, mood: 'fine' }] } });
    expect(await sluice(['release', 'list'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/this version of sluice does not know/),
    });
  });
});

describe('sluice release', () => {
  it('start asks for what was said, and nothing else', async () => {
    fake.answer('POST /v1/releases', { status: 202, body: view() });
    const { stdout } = await sluice([
      ...START,
      '--weight',
      '7',
      '--wave-version',
      'eu=8',
      '--accept-running',
      '1',
      '--accept-running',
      '7',
      '--notes',
      'why',
      '--key',
      'k-1',
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ releaseId: ID, phase: 'accepted' });
    const [{ body, headers } = expect.fail('nothing asked')] = fake.asked;
    expect(JSON.parse(body)).toEqual({
      service: 'checkout',
      environment: 'production',
      version: '2',
      versions: { eu: '8' },
      acceptRunningVersions: ['1', '7'],
      strategy: 'canary',
      firstStageWeightPercent: 7,
      notes: 'why',
    });
    expect(headers['idempotency-key']).toBe('k-1');
    expect(headers.authorization).toBe(`Bearer ${tokenFor('olive', 'operator')}`);
  });

  it('start asks the question that a file has', async () => {
    fake.answer('POST /v1/releases', { status: 202, body: view() });
    const file = path.join(home, 'orders.json');
    writeFileSync(file, JSON.stringify(experimentInput()));
    await sluice([...START, '--strategy', 'experiment', '--experiment', file]);
    const [{ body } = expect.fail('nothing asked')] = fake.asked;
    expect(JSON.parse(body)).toMatchObject({ strategy: 'experiment', experiment: anExperiment() });
  });

  it.each([
    ['promoted', 0],
    ['completed', 1],
    ['rolled-back', 1],
    ['aborted', 1],
    ['refused', 1],
  ] as const)('wait for one that was %s ends with %i', async (outcome, code) => {
    fake.answer(`GET /v1/releases/${ID}`, { status: 200, body: ended(outcome) });
    fake.answer(`GET /v1/releases/${ID}/timeline`, { status: 200, body: { records: [] } });
    expect(await sluice(['release', 'wait', ID])).toEqual({
      code,
      stdout: `checkout 2 in production: ${outcome}\n`,
      stderr: '',
    });
  });

  it('wait is over when its time is, says that the release goes on, and how to pick it up: 1', async () => {
    fake.answer(`GET /v1/releases/${ID}`, { status: 200, body: view({ startedAt: NOW }) });
    fake.answer(`GET /v1/releases/${ID}/timeline`, { status: 200, body: { records: [] } });
    expect(await sluice(['release', 'wait', ID, '--timeout', '1s'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(`goes on. Pick it up with: sluice release wait ${ID}`),
    });
  });

  it('wait outlives an API that fails in passing', async () => {
    const down = problem(503, 'Try again shortly');
    fake.answer(`GET /v1/releases/${ID}`, down, down, { status: 200, body: ended('promoted') });
    fake.answer(`GET /v1/releases/${ID}/timeline`, { status: 200, body: { records: [] } });
    expect((await sluice(['release', 'wait', ID])).code).toBe(0);
  });

  it('watch, stopped from outside, says that the release goes on', async () => {
    fake.answer(`GET /v1/releases/${ID}`, { status: 200, body: view({ startedAt: NOW }) });
    fake.answer(`GET /v1/releases/${ID}/timeline`, { status: 200, body: { records: [] } });
    const running = start(['release', 'watch', ID]);
    while (fake.asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({
      code: 143,
      stderr: expect.stringContaining(`sluice release watch ${ID}`),
    });
  });

  it('has no colour where there is no terminal, unless it is asked for', async () => {
    fake.answer('GET /v1/releases', { status: 200, body: { releases: [ended('promoted')] } });
    const coloured = (text: string) => stripVTControlCharacters(text) !== text;
    expect(coloured((await sluice(['release', 'list'])).stdout)).toBe(false);
    expect(coloured((await sluice(['release', 'list'], { FORCE_COLOR: '1' })).stdout)).toBe(true);
  });

  it.each([
    ['a weight that is no number', [...START, '--weight', 'half']],
    ['a wave named twice', [...START, '--wave-version', 'eu=1', '--wave-version', 'eu=2']],
    ['an experiment that is in no file', [...START, '--experiment', 'nowhere.json']],
    ['a strategy that there is not', [...START, '--strategy', 'hope']],
    ['a duration without a unit', ['release', 'wait', ID, '--timeout', '10']],
    ['an id of something else', ['release', 'abort', 'latest']],
    [
      'a service that none can be called',
      ['release', 'start', 'Check Out', '--env', 'production', '--version', '2'],
    ],
  ])('is wrong usage with %s: 2, and nothing is asked', async (_, args) => {
    expect(await sluice(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/./) });
    expect(fake.asked).toEqual([]);
  });
});

describe('sluice service apply', () => {
  const apply = async (name: string, text: string) => {
    const file = path.join(home, name);
    writeFileSync(file, text);
    return sluice(['service', 'apply', '-f', file]);
  };

  it.each([
    ['that is no YAML', 'service: [', /line 1/],
    ['with a key twice', '{"service":"a","owner":"b","owner":"c"}', /unique/],
    ['without a name', 'environments: {}', /service/],
    ['that is empty', '', /is empty/],
  ])('refuses a file %s: 2, and nothing is asked', async (_, text, why) => {
    expect(await apply('service.yaml', text)).toMatchObject({ code: 2, stderr: expect.stringMatching(why) });
    expect(fake.asked).toEqual([]);
  });

  it('refuses a file that is not there: 2', async () => {
    expect(await sluice(['service', 'apply', '-f', '/nowhere.yaml'])).toMatchObject({
      code: 2,
      stderr: 'sluice: there is no file /nowhere.yaml\n',
    });
  });
});

describe('sluice doctor', () => {
  const finding = (check: string, status: string, text: string) => ({ check, status, text });
  const examined = (service: string, status: string, ...findings: readonly object[]) => ({
    status: 200,
    body: {
      service,
      status,
      examinedAt: NOW,
      environments: [{ environment: 'production', status, findings }],
    },
  });
  const well = finding('target', 'ok', 'a release can begin');
  const quiet = finding('metrics', 'warn', 'nobody calls it');
  const stacked = finding('ownership', 'fail', 'stack shop moves it: state a fixed FunctionVersion');

  it.each([
    ['fails', 1, ['fail', stacked]],
    ['only needs a look', 0, ['warn', quiet]],
  ] as const)('ends with what is found when something %s: %i', async (_, code, [status, found]) => {
    fake.answer('GET /v1/services/checkout/doctor', examined('checkout', status, well, found));
    const ran = await sluice(['doctor', 'checkout', '--env', 'production']);
    expect(ran).toMatchObject({ code, stderr: '' });
    expect(ran.stdout).toMatch(new RegExp(`^checkout in production: ${status} \\(2 findings\\)$`, 'm'));
    expect(ran.stdout).toMatch(new RegExp(`^${status} +${found.check} +${found.text}$`, 'm'));
    expect(ran.stdout).not.toContain(well.text);
    expect(fake.asked[0]?.path).toBe('/v1/services/checkout/doctor?environment=production');
  });

  it('shows the worst first, and with --all what is well too', async () => {
    fake.answer(
      'GET /v1/services/checkout/doctor',
      examined('checkout', 'fail', well, { wave: 'eu', ...quiet }, stacked),
    );
    const { stdout } = await sluice(['doctor', 'checkout', '--all']);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toMatchObject([
      ['checkout in production: fail (3 findings)'],
      ['STATUS', 'CHECK', 'WAVE', expect.anything()],
      ['fail', 'ownership', stacked.text],
      ['warn', 'metrics', 'eu', quiet.text],
      ['ok', 'target', well.text],
      [''],
    ]);
  });

  it('goes over every service when none is named, and fails with the worst of them', async () => {
    const services = ['checkout', 'payments'].map((service) => aRegisteredService({ service }));
    fake.answer('GET /v1/services', { status: 200, body: { services } });
    fake.answer('GET /v1/services/checkout/doctor', examined('checkout', 'fail', stacked));
    fake.answer('GET /v1/services/payments/doctor', examined('payments', 'ok', well));
    const { code, stdout } = await sluice(['doctor', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { service: 'checkout', status: 'fail' },
      { service: 'payments', status: 'ok' },
    ]);
  });

  it('says that there is nothing to examine rather than that all is well: 2', async () => {
    fake.answer('GET /v1/services', { status: 200, body: { services: [] } });
    expect(await sluice(['doctor'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('sluice service apply'),
    });
  });
});

describe('sluice rollback and rollback-drill', () => {
  const asked = view({ strategy: 'rollback' });
  const summary = {
    begun: 1,
    succeeded: 1,
    successRate: 1,
    medianMilliseconds: 2_400,
    maximumMilliseconds: 2_400,
  };
  const back = {
    releaseId: ID,
    environment: 'production',
    strategy: 'drill',
    reasons: [],
    breachedAt: NOW,
    verifiedAt: NOW,
  };
  const reportWith = (milliseconds: number) => ({
    status: 200,
    body: {
      withinSeconds: 60,
      drills: summary,
      real: { begun: 0, succeeded: 0 },
      restored: [{ ...back, milliseconds }],
    },
  });

  beforeEach(() => {
    fake.answer('POST /v1/services/checkout/rollback', { status: 202, body: asked });
    fake.answer('POST /v1/services/checkout/rollback-drill', { status: 202, body: asked });
    fake.answer(`GET /v1/releases/${ID}/timeline`, { status: 200, body: { records: [] } });
  });

  it.each([
    ['promoted', 0],
    ['aborted', 1],
  ] as const)('rollback that ends %s ends with %i', async (outcome, code) => {
    fake.answer(`GET /v1/releases/${ID}`, { status: 200, body: ended(outcome) });
    const ran = await sluice(['rollback', 'checkout', '--env', 'production', '--reason', 'wrong refunds']);
    expect(ran).toMatchObject({ code, stdout: `checkout 2 in production: ${outcome}\n` });
    expect(JSON.parse(fake.asked[0]?.body ?? '')).toEqual({
      environment: 'production',
      reason: 'wrong refunds',
    });
  });

  it('rollback that nobody answers says so before long, and how traffic comes back without Sluice: 3', async () => {
    await fake.stop();
    const { url } = fake;
    fake = await startFakeSluice();
    const began = Date.now();
    const ran = await sluice(['rollback', 'checkout', '--env', 'production'], { SLUICE_API: url });
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr).toMatch(/can't reach [^\n]*: sluice rescue checkout --env production\n$/);
    expect(Date.now() - began).toBeLessThan(40_000);
  });

  it('a wait that is given little time is no more patient with an API that is away', async () => {
    fake.answer(`GET /v1/releases/${ID}`, problem(503, 'Try again shortly'));
    const ran = await sluice(['rollback', 'checkout', '--env', 'production', '--timeout', '2s']);
    expect(ran).toMatchObject({ code: 3, stderr: expect.stringContaining('Try again shortly') });
    expect(ran.stderr).toMatch(/: sluice rescue checkout --env production\n$/);
  });

  it('rollback does not wait when told not to', async () => {
    const ran = await sluice(['rollback', 'checkout', '--env', 'production', '--no-wait']);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining(`sluice release watch ${ID}`) });
    expect(fake.asked).toHaveLength(1);
  });

  const unnoticed = [{ code: 'drill-unnoticed', text: 'its breach was not found' }];
  it.each([
    ['back in time', { outcome: 'rolled-back' }, 2_400, 0],
    ['back too late', { outcome: 'rolled-back' }, 61_000, 1],
    ['back, but by nobody noticing', { outcome: 'rolled-back', reasons: unnoticed }, 2_400, 1],
    ['refused', { outcome: 'refused' }, 2_400, 1],
  ] as const)('a drill that is %s ends as such', async (_, how, milliseconds, code) => {
    const body = view({
      strategy: 'drill',
      mode: 'done',
      concludedAt: NOW,
      outcome: how.outcome,
      reasons: 'reasons' in how ? [...how.reasons] : [],
    });
    fake.answer(`GET /v1/releases/${ID}`, { status: 200, body });
    fake.answer('GET /v1/services/checkout/rollbacks', reportWith(milliseconds));
    const ran = await sluice(['rollback-drill', 'checkout', '--env', 'production', '--json']);
    expect(ran.code).toBe(code);
    expect(JSON.parse(ran.stdout)).toMatchObject({ releaseId: ID, passed: code === 0, milliseconds });
  });

  it('the report tells how fast it was', async () => {
    fake.answer('GET /v1/services/checkout/rollbacks', reportWith(2_400));
    const { stdout } = await sluice(['rollbacks', 'checkout']);
    expect(stdout).toMatch(/^drills: 1 of 1 verified back within 60 s \(median 2\.4 s, longest 2\.4 s\)$/m);
    expect(stdout).toMatch(/^for real: 0 of 0/m);
    expect(stdout).toMatch(new RegExp(`^${ID} .* 2\\.4 s +a drill$`, 'm'));
  });
});

describe('sluice abort-all, freeze and thaw', () => {
  const frozen = {
    environment: 'production',
    revision: 1,
    frozen: true,
    freeze: {
      until: '2026-12-27T07:00:00.000Z',
      reason: 'Christmas',
      by: { login: 'ann', kind: 'user', authenticated: true, via: 'api' },
      at: NOW,
    },
  };

  it('tells of each release, and ends with 1 while one may still have traffic', async () => {
    const one = { releaseId: ID, service: 'checkout', result: 'failed', text: 'could not be read back' };
    const body = { environment: 'production', complete: false, text: 'one is not restored', releases: [one] };
    fake.answer('POST /v1/environments/production/abort-all', { status: 207, body });
    const ran = await sluice(['abort-all', '--env', 'production', '--reason', 'fire']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^one is not restored$/m);
    expect(ran.stdout).toMatch(new RegExp(`^${ID} +checkout +failed +could not be read back$`, 'm'));
    expect(JSON.parse(fake.asked[0]?.body ?? '')).toEqual({ reason: 'fire' });
    expect(fake.asked[0]?.headers['idempotency-key']).toMatch(/\S{20}/);
  });

  it('freezes until an instant or for a while, and tells whether an environment is', async () => {
    fake.answer('POST /v1/environments/production/freeze', { status: 200, body: frozen });
    fake.answer('GET /v1/environments/production/freeze', { status: 200, body: frozen });
    const freeze = ['freeze', '--env', 'production'];
    const until = '2026-12-27T08:00:00+01:00';
    const ran = await sluice([...freeze, '--until', until, '--reason', 'Christmas']);
    expect(ran.stdout).toBe(`production is frozen until 2026-12-27T07:00:00.000Z by ann: Christmas\n`);
    await sluice([...freeze, '--until', '2h']);
    const [first, second] = fake.asked.map(({ body }) => JSON.parse(body));
    expect(first).toEqual({ until, reason: 'Christmas' });
    expect(Date.parse(second.until) - Date.now()).toBeGreaterThan(7_100_000);
    expect((await sluice(freeze)).stdout).toBe(ran.stdout);
  });

  it('thaws', async () => {
    const body = { environment: 'production', revision: 2, frozen: false, freeze: frozen.freeze };
    fake.answer('POST /v1/environments/production/thaw', { status: 200, body });
    expect((await sluice(['thaw', '--env', 'production'])).stdout).toBe('releases may start in production\n');
  });
});

describe('sluice flags', () => {
  const flag = { flag: 'canaryMetrics', on: true, offIn: [], offMeans: 'probes alone' } as const;
  const changed = { by: 'olive', at: '2026-11-24T09:00:00.000Z', reason: 'they are moved' };
  const listed = (changedOutside: boolean) => ({
    status: 200,
    body: {
      flags: [flag, { ...flag, flag: 'autoRollback', offIn: ['staging', 'dev'], changed }],
      version: 3,
      changedOutside,
    },
  });

  it('list tells what is off, where, what that means and who did it', async () => {
    fake.answer('GET /v1/flags', listed(false));
    const ran = await sluice(['flags', 'list']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^canaryMetrics +on +probes alone +–$/m);
    expect(ran.stdout).toMatch(
      /^autoRollback +off in staging, dev +probes alone +2026-11-24 09:00 by olive: they are moved$/m,
    );
  });

  it('list says when somebody went around the API', async () => {
    fake.answer('GET /v1/flags', listed(true));
    const ran = await sluice(['flags', 'list', '--json']);
    expect(ran.stderr).toMatch(/around the API/);
    expect(JSON.parse(ran.stdout)).toEqual(listed(true).body);
  });

  it.each([
    [['off', '--reason', 'why'], { on: false, offIn: [], reason: 'why' }, 'off (probes alone)'],
    [
      ['off', '--in', 'staging', '--in', 'dev'],
      { on: true, offIn: ['staging', 'dev'], reason: 'no reason given' },
      'off in staging, dev (probes alone)',
    ],
    [['on'], { on: true, offIn: [], reason: 'no reason given' }, 'on'],
  ])('set %j says the whole state', async (args, body, words) => {
    const { reason: _, ...state } = body;
    fake.answer('PUT /v1/flags/canaryMetrics', {
      status: 200,
      body: { ...flag, ...state, version: 4, inForceWithinSeconds: 20 },
    });
    expect(await sluice(['flags', 'set', 'canaryMetrics', ...args])).toMatchObject({
      code: 0,
      stdout: `canaryMetrics is ${words}, in force within 20 s\n`,
    });
    expect(JSON.parse(fake.asked.at(-1)?.body ?? '')).toEqual(body);
  });

  it.each([
    ['a switch that there is not', ['canaryMetric', 'off']],
    ['neither on nor off', ['canaryMetrics', 'false']],
    ['on in some environments only', ['canaryMetrics', 'on', '--in', 'staging']],
    ['what no environment is called', ['canaryMetrics', 'off', '--in', 'Prod 1']],
  ])('set refuses %s before it asks: 2', async (_, args) => {
    const ran = await sluice(['flags', 'set', ...args]);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).not.toBe('');
    expect(fake.asked).toEqual([]);
  });

  it('set that meets another change is not done: 1', async () => {
    fake.answer('PUT /v1/flags/canaryMetrics', problem(409, 'Not now'));
    expect(await sluice(['flags', 'set', 'canaryMetrics', 'off'])).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('the help', () => {
  const leavesOf = (command: Command): readonly Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);

  it.each(leavesOf(sluiceProgram()).map((command) => ({ command, name: command.name() })))(
    'of $name says what it is for, with an example',
    ({ command }) => {
      let text = '';
      command.configureOutput({
        writeOut: (part) => {
          text += part;
        },
      });
      command.outputHelp();
      expect(command.description()).not.toBe('');
      expect(text).toMatch(/^Examples?:.*\n {2}\$ .*\bsluice /m);
    },
  );
});
