import { describe, expect, test } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { abort, createService, ended, eventually, getRelease, operator, recorded } from './harness.ts';
import { expectSound, lockOf } from './invariants.ts';

const GOOD = VARIANTS.good.version;
const STABLE = VARIANTS.stable.version;

const typesOf = async (releaseId: Parameters<typeof getRelease>[0]) =>
  (await timelineOf(operator, releaseId)).map(({ event }) => event.type);

describe('a release that takes the place of the active one', () => {
  test('waits for its traffic to be back and its record, and then goes; of several the newest', async () => {
    const service = await createService({ onActiveRelease: 'supersede' });
    try {
      const first = await service.request(GOOD);
      await recorded(first, 'release.shift.done');
      const second = await service.request(GOOD);
      const waiting = await getRelease(second);
      expect(waiting.waiting).toBe(true);
      expect(waiting.phase).toBe('waiting');
      const third = await service.request(GOOD);
      const stopped = await ended(first);
      expect(stopped.event.type).toBe('release.rolled-back');
      expect(stopped.data.reasons).toMatchObject([{ code: 'superseded', facts: { by: second } }]);
      const began = await recorded(third, 'release.started');
      expect(began.seq).toBeGreaterThan(stopped.seq);
      expect(await lockOf(service.service)).toBe(third);
      const aborted = await ended(second);
      expect(aborted.event.type).toBe('release.aborted');
      expect(aborted.data.reasons).toMatchObject([{ code: 'superseded', facts: { by: third } }]);
      expect(await typesOf(second)).toEqual(['release.queued', 'release.aborted']);
      await ended(third);
      const records = await expectSound(service, third, { outcome: 'promoted', runs: GOOD });
      expect(records.slice(0, 2).map(({ event }) => event.type)).toEqual([
        'release.queued',
        'release.accepted',
      ]);
    } finally {
      await service.stop();
    }
  });

  test('can be aborted while it waits, and leaves the way free', async () => {
    const service = await createService({ onActiveRelease: 'supersede' });
    try {
      const first = await service.request(GOOD);
      await recorded(first, 'release.shift.done');
      const second = await service.request(GOOD);
      await abort(second);
      expect((await ended(second)).event.type).toBe('release.aborted');
      await ended(first);
      await expectSound(service, first, { outcome: 'rolled-back', runs: STABLE });
      const third = await eventually('the lock is free', async () =>
        service.request(GOOD).catch(() => undefined),
      );
      await ended(third);
      await expectSound(service, third, { outcome: 'promoted', runs: GOOD });
    } finally {
      await service.stop();
    }
  });
});
