import { describe, expect } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import type { CommandName } from '../../functions/rollout/command-names.ts';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { ended, eventually, getRelease, operator, recorded, withService } from './harness.ts';
import { expectSound } from './invariants.ts';

const GOOD = VARIANTS.good.version;

const command = (releaseId: ReleaseId, name: CommandName) =>
  operator.call(commandRoutes.commandRelease, {
    params: { releaseId },
    body: { command: name, reason: 'a test said so' },
  });

/** Looks go on: the time of the last one moves past `since`. */
const lookedAgain = (releaseId: ReleaseId, since: string | undefined) =>
  eventually('another look', async () => {
    const { progress } = await getRelease(releaseId);
    return progress?.lookedAt !== undefined && progress.lookedAt > (since ?? '') ? progress : undefined;
  });

describe.concurrent('what an operator asks of a release on its way', () => {
  withService(
    'paused, it stays at its weight while looks go on; resumed, it is promoted',
    async ({ service }) => {
      const releaseId = await service.request(GOOD);
      await recorded(releaseId, 'release.shift.done');
      await command(releaseId, 'pause');
      await eventually('the pause shows', async () => {
        const { progress } = await getRelease(releaseId);
        return progress?.round === progress?.rounds && progress?.reasons?.[0]?.code === 'paused'
          ? true
          : undefined;
      });
      const { progress } = await getRelease(releaseId);
      await lookedAgain(releaseId, progress?.lookedAt);
      expect(await service.routing()).toEqual({ primary: VARIANTS.stable.version, weights: { [GOOD]: 25 } });
      await expect(command(releaseId, 'pause')).rejects.toMatchObject({ problem: { status: 409 } });
      await command(releaseId, 'resume');
      await ended(releaseId);
      await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
    },
  );

  withService('paused, a failing version is rolled back all the same', async ({ service }) => {
    const releaseId = await service.request(VARIANTS.failing.version);
    await recorded(releaseId, 'release.shift.done');
    await command(releaseId, 'pause');
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.stable.version });
  });

  withService('promoted by a person, a stage passes before its rounds are over', async ({ service }) => {
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.shift.done');
    await command(releaseId, 'promote');
    const passed = await recorded(releaseId, 'release.stage.promoted');
    const [reason] = passed.data.reasons as unknown[];
    expect(reason).toEqual({ code: 'operator-promote', text: 'promoted by olive: a test said so' });
    await ended(releaseId);
    const types = (await timelineOf(operator, releaseId)).map(({ event }) => event.type);
    expect(types).toContain('release.promotion.wished');
    await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
  });
});
