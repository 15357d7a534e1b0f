import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  ListApplicationsCommand,
  ListConfigurationProfilesCommand,
  ListDeploymentStrategiesCommand,
  ListEnvironmentsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import { KILL_SWITCHES, type KillSwitch } from '../../functions/policy/kill-switches.ts';
import { flagRoutes } from '../../functions/policy/routes.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { ledgerSize, recordsFrom } from './doors/stored.ts';
import {
  abort,
  apiOf,
  awsSettings,
  createService,
  ended,
  eventually,
  getRelease,
  operator,
  recorded,
  type TestService,
} from './harness.ts';
import { expectSound } from './invariants.ts';

const GOOD = VARIANTS.good.version;

const flags = () => operator.call(flagRoutes.listFlags, {});

/** Long enough for every function to have read the switches anew: the local stage keeps them for a second. */
const heard = () => new Promise((resolve) => setTimeout(resolve, 1_200));

const put = async (flag: KillSwitch, state: { readonly on: boolean; readonly offIn?: string[] }) => {
  const { offIn = [], on } = state;
  const answer = await operator.call(flagRoutes.putFlag, {
    params: { flag },
    body: { on, offIn, reason: 'a test said so' },
  });
  await heard();
  return answer;
};

const flagRecordsFrom = async (seq: number): Promise<readonly LedgerRecord[]> =>
  (await recordsFrom(seq)).filter(({ event }) => event.type.startsWith('flag.'));

let service: TestService;
beforeAll(async () => {
  service = await createService();
});
afterAll(() => service.stop());

afterEach(async () => {
  const { flags: present } = await flags();
  for (const { flag, on, offIn } of present) if (!on || offIn.length > 0) await put(flag, { on: true });
});

describe('the kill switches', () => {
  it('are all on in a new stack, and everyone with a role may see them', async () => {
    const { flags: present, changedOutside } = await apiOf('vera').call(flagRoutes.listFlags, {});
    expect(present.map(({ flag, on }) => [flag, on])).toEqual(KILL_SWITCHES.map((flag) => [flag, true]));
    expect(changedOutside).toBe(false);
  });

  it('are switched by operators only, with a reason', async () => {
    const asRequester = apiOf('robin').call(flagRoutes.putFlag, {
      params: { flag: 'canaryDeployment' },
      body: { on: false, reason: 'no' },
    });
    await expect(asRequester).rejects.toMatchObject({ problem: { status: 403 } });
    expect((await flags()).flags.every(({ on }) => on)).toBe(true);
  });

  it('say who switched what, where and why, and so does the ledger', async () => {
    const seq = await ledgerSize();
    await put('autoRollback', { on: true, offIn: ['production'] });
    const shown = (await flags()).flags.find(({ flag }) => flag === 'autoRollback');
    expect(shown).toMatchObject({
      on: true,
      offIn: ['production'],
      changed: { by: 'olive', reason: 'a test said so' },
    });
    await put('autoRollback', { on: true, offIn: ['production'] });
    expect(await flagRecordsFrom(seq)).toMatchObject([
      { event: { type: 'flag.change.intended' }, actor: { login: 'olive' } },
      {
        event: { type: 'flag.auto-rollback-off' },
        actor: { login: 'olive', authenticated: true },
        compliance: { riskLevel: 'high' },
        data: { flag: 'autoRollback', reason: 'a test said so' },
      },
    ]);
  });

  it('changed at the same time are both changed, or the loser is told', async () => {
    const asked = await Promise.allSettled([
      put('canaryMetrics', { on: true, offIn: ['staging'] }),
      put('prodReadiness', { on: true, offIn: ['staging'] }),
    ]);
    const { flags: present } = await flags();
    for (const [index, flag] of (['canaryMetrics', 'prodReadiness'] as const).entries()) {
      const { offIn } = present.find((one) => one.flag === flag) ?? expect.fail(flag);
      const answer = asked[index];
      if (answer?.status === 'fulfilled') expect(offIn).toEqual(['staging']);
      else expect(answer?.reason).toMatchObject({ problem: { status: 409 } });
    }
    expect(asked.some(({ status }) => status === 'fulfilled')).toBe(true);
  });

  it('changed in AppConfig itself are seen, and told', async () => {
    const seq = await ledgerSize();
    await switchOffOutside('deploymentGates');
    const { flags: present, changedOutside } = await flags();
    expect(changedOutside).toBe(true);
    expect(present.find(({ flag }) => flag === 'deploymentGates')?.on).toBe(false);
    expect(await flagRecordsFrom(seq)).toMatchObject([
      { event: { type: 'flag.drifted' }, data: { states: { deploymentGates: { on: false } } } },
    ]);
  });
});

const appConfig = new AppConfigClient(awsSettings);

/** As somebody with the console: a version made and deployed without the API. */
const switchOffOutside = async (flag: KillSwitch): Promise<void> => {
  const { Items: applications = [] } = await appConfig.send(new ListApplicationsCommand({}));
  const ApplicationId = applications.find(({ Name }) => Name === 'sluice')?.Id;
  const [{ Items: [environment] = [] }, { Items: [profile] = [] }, { Items: strategies = [] }] =
    await Promise.all([
      appConfig.send(new ListEnvironmentsCommand({ ApplicationId })),
      appConfig.send(new ListConfigurationProfilesCommand({ ApplicationId })),
      appConfig.send(new ListDeploymentStrategiesCommand({})),
    ]);
  const ofProfile = { ApplicationId, ConfigurationProfileId: profile?.Id };
  const { version } = await flags();
  const { Content } = await appConfig.send(
    new GetHostedConfigurationVersionCommand({ ...ofProfile, VersionNumber: version }),
  );
  const content = JSON.parse(new TextDecoder().decode(Content));
  content.values[flag].enabled = false;
  const { VersionNumber } = await appConfig.send(
    new CreateHostedConfigurationVersionCommand({
      ...ofProfile,
      Content: new TextEncoder().encode(JSON.stringify(content)),
      ContentType: 'application/json',
    }),
  );
  await appConfig.send(
    new StartDeploymentCommand({
      ...ofProfile,
      EnvironmentId: environment?.Id,
      ConfigurationVersion: String(VersionNumber),
      DeploymentStrategyId: strategies.find(({ Name }) => Name === 'sluice-at-once')?.Id,
    }),
  );
};

const codesOf = (record: LedgerRecord | undefined): readonly string[] =>
  (record?.data.reasons as { code: string }[] | undefined)?.map(({ code }) => code) ?? [];

describe('canaryDeployment off', () => {
  it('refuses new releases, tells a repeated request its release, and lets those on their way end', async () => {
    const key = randomUUID();
    const releaseId = await service.request(GOOD, { key });
    await put('canaryDeployment', { on: false });
    const seq = await ledgerSize();
    await expect(service.request(GOOD)).rejects.toMatchObject({
      problem: { status: 403, detail: expect.stringContaining('canaryDeployment is switched off') },
    });
    expect(await service.request(GOOD, { key })).toBe(releaseId);
    const refused = (await recordsFrom(seq)).filter(({ event }) => event.type === 'release.refused');
    expect(refused).toMatchObject([
      { change: { service: service.service }, data: { reasons: [{ code: 'canary-deployment-off' }] } },
    ]);
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
  });

  it('in staging only refuses nothing in production', async () => {
    await put('canaryDeployment', { on: true, offIn: ['staging'] });
    const releaseId = await service.request(VARIANTS.stable.version);
    await ended(releaseId);
    await eventually('the version is stable', async () =>
      (await service.routing()).primary === VARIANTS.stable.version ? true : undefined,
    );
  });
});

describe('autoRollback off in production', () => {
  it('holds a breach past every deadline, says so, and restores once it is on again', async () => {
    const { primary } = await service.routing();
    await put('autoRollback', { on: true, offIn: ['production'] });
    const releaseId = await service.request(VARIANTS.failing.version);
    const held = await recorded(releaseId, 'release.stage.held');
    expect(codesOf(held)[0]).toBe('auto-rollback-off');
    expect(held.data.switchesOff).toEqual(['autoRollback']);
    // The plan's hold would have ended by now.
    await eventually('looks go on', async () => {
      const { progress } = await getRelease(releaseId);
      const since = Date.parse(progress?.lookedAt ?? '') - Date.parse(held.event.timestamp);
      return since > 4_000 ? true : undefined;
    });
    expect((await service.routing()).weights).toEqual({ [VARIANTS.failing.version]: 25 });
    expect((await getRelease(releaseId)).progress?.reasons?.[0]?.code).toBe('auto-rollback-off');
    await put('autoRollback', { on: true });
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: primary });
  });

  it('lets an operator abort at once', async () => {
    const { primary } = await service.routing();
    await put('autoRollback', { on: false });
    const releaseId = await service.request(VARIANTS.failing.version);
    await recorded(releaseId, 'release.stage.held');
    expect((await abort(releaseId)).traffic).toBe('restored');
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: primary });
  });
});

describe('prodValidation and canaryMonitoring off', () => {
  it('skips the final verification, with a record of it, and shows nothing of the looks', async () => {
    await put('prodValidation', { on: false });
    await put('canaryMonitoring', { on: false });
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.round.judged');
    const { progress } = await getRelease(releaseId);
    expect(progress?.weightPercent).toBe(25);
    expect(progress).not.toHaveProperty('score');
    expect(progress).not.toHaveProperty('round');
    await ended(releaseId);
    const records = await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
    const passed = records.filter(({ event }) => event.type === 'release.stage.promoted');
    expect(passed.map(codesOf).map(([first]) => first)).toEqual(['stage-passed', 'prod-validation-off']);
    expect(passed[1]?.data).toMatchObject({ switchesOff: ['canaryMonitoring', 'prodValidation'] });
  });
});

describe('canaryMetrics off', () => {
  it('promotes on probes though no metric comes, and says what it went by', async () => {
    const server = createServer((_, response) => void response.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const probed = await createService({ probes: { url: `http://127.0.0.1:${port}/` } });
    try {
      probed.report(false);
      await put('canaryMetrics', { on: false });
      const releaseId = await probed.request(GOOD);
      await ended(releaseId);
      const records = await expectSound(probed, releaseId, { outcome: 'promoted', runs: GOOD });
      for (const record of records.filter(({ event }) => event.type === 'release.stage.promoted'))
        expect(codesOf(record)).toContain('canary-metrics-off');
    } finally {
      await probed.stop();
      server.close();
    }
  });
});
