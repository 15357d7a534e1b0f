import { ListExecutionsCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { verifyLedger } from '../../local/verify-ledger.ts';
import {
  abort,
  awsSettings,
  ended,
  eventually,
  fault,
  operator,
  recorded,
  type TestService,
  withService,
} from './harness.ts';
import { expectSound, lockOf } from './invariants.ts';

const workflows = new SFNClient(awsSettings);
const STABLE = VARIANTS.stable.version;
const GOOD = VARIANTS.good.version;

const machineArn = (name: string): string =>
  `arn:aws:states:us-east-1:000000000000:stateMachine:sluice-${name}`;

/** Stops the release's own running executions of this workflow, as a person with a console could. */
const stopExecutions = async (workflow: string, releaseId: ReleaseId): Promise<number> => {
  const { executions = [] } = await workflows.send(
    new ListExecutionsCommand({ stateMachineArn: machineArn(workflow), statusFilter: 'RUNNING' }),
  );
  const own = executions.filter(({ name }) => name?.startsWith(releaseId));
  for (const { executionArn } of own)
    await workflows.send(new StopExecutionCommand({ executionArn, cause: 'a test stopped it' }));
  return own.length;
};

const promote = (releaseId: ReleaseId) =>
  operator.call(commandRoutes.commandRelease, {
    params: { releaseId },
    body: { command: 'promote', reason: 'a test said so' },
  });

/** An update of this service's alias that sends traffic to the canary (a restore's has no weights). */
const shiftOf = (service: TestService): string =>
  `^PUT .*/functions/${service.functionName}/aliases/.*"${GOOD}":0\\.25`;

const atQuarter = (service: TestService) =>
  eventually('a quarter of the traffic is on the canary', async () =>
    (await service.routing()).weights[GOOD] === 25 ? true : undefined,
  );

describe.concurrent('whatever goes wrong, traffic ends where the record says', () => {
  withService(
    'goes on when the shift was killed after its effect and before its answer',
    async ({ service }) => {
      const killed = await fault({
        match: shiftOf(service),
        functionName: 'sluice-shift-traffic',
        action: 'kill',
        times: 1,
      });
      const releaseId = await service.request(GOOD);
      await ended(releaseId);
      expect(await killed.hits()).toBe(1);
      await killed.release();
      const records = await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
      const intents = records.filter(({ event }) => event.type === 'release.shift.intended');
      expect(intents.map(({ data }) => data.weightPercent)).toEqual([25, 100]);
    },
  );

  withService('keeps traffic on stable when a slow shift arrives after the restore', async ({ service }) => {
    const held = await fault({
      match: shiftOf(service),
      functionName: 'sluice-shift-traffic',
      action: 'hold',
      times: 1,
    });
    const releaseId = await service.request(GOOD);
    await eventually('the shift is in flight', async () => ((await held.hits()) > 0 ? true : undefined));
    expect(await abort(releaseId)).toMatchObject({ traffic: 'restored' });
    await held.release();
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
  });

  withService(
    'restores, concludes and frees the lock when the execution is stopped with 25 % on the canary',
    async ({ service }) => {
      const releaseId = await service.request(GOOD);
      await atQuarter(service);
      expect(await stopExecutions('release', releaseId)).toBe(1);
      await ended(releaseId);
      const records = await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
      expect(records.map(({ event }) => event.type)).toContain('release.recovered');
      expect(await lockOf(service.service)).toBeUndefined();
    },
  );

  withService('restores when the nested stage is stopped from outside', async ({ service }) => {
    const releaseId = await service.request(GOOD);
    await atQuarter(service);
    expect(await stopExecutions('stage', releaseId)).toBe(1);
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
  });

  withService.for([0, 1, 2, 3, 4, 5])('can be aborted at any moment (%i)', async (moment, { service }) => {
    const releaseId = await service.request(GOOD);
    await new Promise((resolve) => setTimeout(resolve, moment * 600 + Math.random() * 600));
    const answer = await abort(releaseId);
    expect(['restored', 'nothing-moved']).toContain(answer.traffic);
    expect(await service.routing()).toEqual({ primary: STABLE, weights: {} });
    const end = await ended(releaseId);
    const outcome = answer.traffic === 'restored' ? 'rolled-back' : 'aborted';
    expect(end.event.type).toBe(`release.${outcome}`);
    await expectSound(service, releaseId, { outcome, runs: STABLE });
    // The same command again is answered as taken, and as the first one was; any other one comes too late.
    expect(await abort(releaseId)).toMatchObject({
      text: 'taken before; the release has ended on it',
      traffic: answer.traffic,
    });
    await expect(promote(releaseId)).rejects.toMatchObject({ problem: { status: 409 } });
  });
});

// These faults would strike other tests' releases too.
describe('whatever goes wrong, one at a time', () => {
  withService('starts a release whose door died before it started the workflow', async ({ service }) => {
    const died = await fault({
      match: '^POST .*AWSStepFunctions.StartExecution.*sluice-release',
      functionName: 'sluice-serve-releases',
      action: 'kill-before',
      times: 1,
    });
    await expect(service.request(GOOD)).rejects.toThrow();
    expect(await died.hits()).toBe(1);
    await died.release();
    const releaseId = await eventually(
      'the lock',
      async () => (await lockOf(service.service)) as ReleaseId | undefined,
    );
    await ended(releaseId, 150);
    await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
  });

  withService(
    'restores although the ledger takes no records, which come later, marked late',
    async ({ service }) => {
      const releaseId = await service.request(GOOD);
      await atQuarter(service);
      const down = await fault({
        match: 'functions/.*sluice-append-records.*/invocations',
        functionName: 'sluice-obey-command',
        action: 'refuse',
        times: 1_000,
      });
      expect(await abort(releaseId)).toMatchObject({ traffic: 'restored' });
      expect(await service.routing()).toEqual({ primary: STABLE, weights: {} });
      await down.release();
      await ended(releaseId);
      await eventually('the abort is recorded', async () => {
        const record = await recorded(releaseId, 'release.abort.accepted');
        return record.data.late === undefined ? undefined : true;
      });
      await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
    },
  );

  it('leaves a chain that verifies', async () => {
    expect(await verifyLedger(operator)).toMatchObject({ ok: true });
  });
});
