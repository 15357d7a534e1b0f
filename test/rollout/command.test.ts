import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import { concludeRelease } from '#releases/conclude.ts';
import { type Order, obey } from '#rollout/command.ts';
import { isAlone } from '#rollout/routing.ts';
import { ann, bob, NOW, progressAt, releaseIdOf, STABLE } from '../builders/release.ts';
import { aMovedRollout, aReadyRollout, aRollout } from '../builders/rollout.ts';

const aCommand = (overrides: Partial<Order> = {}): Order => ({
  name: 'pause',
  releaseId: releaseIdOf(1),
  reason: 'lunch',
  by: ann,
  key: 'key-1',
  at: NOW,
  ...overrides,
});

describe('a command', () => {
  it('pauses and resumes, each recorded with who and why', async () => {
    const { ports, releaseId, releases, ledger } = await aMovedRollout(50);
    await obey(ports, aCommand({ releaseId }));
    expect(releases.peek(releaseId)?.paused).toEqual({ by: ann, reason: 'lunch', at: NOW });
    await obey(ports, aCommand({ releaseId, name: 'resume', by: bob, reason: 'back', key: 'key-2' }));
    expect(releases.peek(releaseId)?.paused).toBeUndefined();
    const [paused, resumed] = ledger.records.slice(-2);
    expect(paused).toMatchObject({
      event: { type: 'release.paused' },
      actor: ann,
      data: { reason: 'lunch' },
    });
    expect(resumed).toMatchObject({ event: { type: 'release.resumed' }, actor: bob });
  });

  it('wishes a promotion for the stage that is on, and for no other', async () => {
    const { ports, releaseId, releases } = await aMovedRollout(50);
    await obey(ports, aCommand({ releaseId, name: 'promote' }));
    expect(releases.peek(releaseId)?.promotionWish).toMatchObject({ step: 0, by: ann });
  });

  it('given again with its key has one effect and one record', async () => {
    const { ports, releaseId, ledger } = await aMovedRollout(50);
    await obey(ports, aCommand({ releaseId }));
    const records = ledger.records.length;
    expect((await obey(ports, aCommand({ releaseId }))).text).toContain('taken before');
    expect(ledger.records).toHaveLength(records);
  });

  it('that comes again after another one took it back does not undo that', async () => {
    const { ports, releaseId, releases, ledger } = await aMovedRollout(50);
    await obey(ports, aCommand({ releaseId }));
    await obey(ports, aCommand({ releaseId, name: 'resume', key: 'key-2' }));
    const records = ledger.records.length;
    expect((await obey(ports, aCommand({ releaseId }))).text).toContain('taken before');
    expect(releases.peek(releaseId)?.paused).toBeUndefined();
    expect(ledger.records).toHaveLength(records);
  });

  it.each([['a second pause', 'pause', 'is paused already, by ann']] as const)(
    'is refused when it makes no sense: %s',
    async (_, name, text) => {
      const { ports, releaseId } = await aMovedRollout(50);
      await obey(ports, aCommand({ releaseId }));
      await expect(obey(ports, aCommand({ releaseId, name, key: 'key-2' }))).rejects.toThrow(text);
    },
  );

  it('of another name under the same key is refused, and changes nothing', async () => {
    const { ports, releaseId, releases } = await aMovedRollout(50);
    await obey(ports, aCommand({ releaseId }));
    await expect(obey(ports, aCommand({ releaseId, name: 'resume' }))).rejects.toThrow(
      'used for another command',
    );
    expect(releases.peek(releaseId)?.paused).toBeDefined();
  });

  it('is refused when the release has taken more than an item should hold', async () => {
    const { ports, releaseId, releases } = await aMovedRollout(50);
    releases.overwrite(releaseId, { wishes: Array.from({ length: 200 }, (_, number) => `${number}:pause`) });
    await expect(obey(ports, aCommand({ releaseId }))).rejects.toThrow('has taken 200 commands');
  });

  it('to resume what is not paused is refused', async () => {
    const { ports, releaseId, ledger } = await aMovedRollout(50);
    const records = ledger.records.length;
    await expect(obey(ports, aCommand({ releaseId, name: 'resume' }))).rejects.toThrow('is not paused');
    expect(ledger.records).toHaveLength(records);
  });

  it.each(['promote', 'pause', 'resume', 'abort'] as const)(
    'to %s a release that has ended is refused, and moves nothing',
    async (name) => {
      const { ports, releaseId, releases, shifter } = await aMovedRollout(50);
      releases.overwrite(releaseId, { mode: 'done', outcome: 'promoted' });
      const before = shifter.routing();
      await expect(obey(ports, aCommand({ releaseId, name }))).rejects.toBeInstanceOf(ConflictError);
      expect(shifter.routing()).toEqual(before);
    },
  );

  it.each(['pause', 'resume', 'promote'] as const)(
    'to %s what is being restored is refused',
    async (name) => {
      const { ports, releaseId, releases } = await aMovedRollout(50);
      await releases.beginRestore(releaseId, [{ code: 'evidence', text: 'too many errors' }]);
      await expect(obey(ports, aCommand({ releaseId, name }))).rejects.toThrow('is being restored');
    },
  );

  it('for a release that does not exist says so', async () => {
    const { ports } = await aMovedRollout(50);
    await expect(obey(ports, aCommand({ releaseId: releaseIdOf(9) }))).rejects.toBeInstanceOf(NotFoundError);
  });

  it('that the ledger does not take has no effect; given again it has its one', async () => {
    const { ports, releaseId, releases, ledger } = await aMovedRollout(50);
    ledger.down = true;
    await expect(obey(ports, aCommand({ releaseId, name: 'promote' }))).rejects.toBeInstanceOf(
      TransientError,
    );
    expect(releases.peek(releaseId)?.promotionWish).toBeUndefined();
    ledger.down = false;
    await obey(ports, aCommand({ releaseId, name: 'promote' }));
    expect(releases.peek(releaseId)?.promotionWish).toBeDefined();
  });

  it.each(['pause', 'resume'] as const)(
    'to %s whose write failed after its record is done when it comes again, though the step has passed',
    async (name) => {
      let broken = true;
      const { ports, releaseId, releases, types } = await aMovedRollout(50, {
        releases: {
          before: (method) => {
            if (broken && method === name) throw new TransientError('no answer');
          },
        },
      });
      if (name === 'resume') await obey(ports, aCommand({ releaseId, key: 'key-0' }));
      const told = types().length;
      await expect(obey(ports, aCommand({ releaseId, name }))).rejects.toBeInstanceOf(TransientError);
      await releases.intendStep(releaseId, 1, progressAt(1, 100));
      broken = false;
      await obey(ports, aCommand({ releaseId, name }));
      expect(releases.peek(releaseId)?.paused !== undefined).toBe(name === 'pause');
      expect(types()).toHaveLength(told + 1);
    },
  );

  it('to promote that comes again when its step has passed says so, and passes no other', async () => {
    let broken = true;
    const { ports, releaseId, releases } = await aMovedRollout(50, {
      releases: {
        before: (method) => {
          if (broken && method === 'wishPromotion') throw new TransientError('no answer');
        },
      },
    });
    const promote = aCommand({ releaseId, name: 'promote' });
    await expect(obey(ports, promote)).rejects.toBeInstanceOf(TransientError);
    await releases.intendStep(releaseId, 1, progressAt(1, 100));
    broken = false;
    const again = obey(ports, promote);
    await expect(again).rejects.toBeInstanceOf(ConflictError);
    await expect(again).rejects.toThrow(/the step that it meant has passed.*use a new key/);
    expect(releases.peek(releaseId)?.promotionWish).toBeUndefined();
  });

  it('to abort that comes again after the release has ended on it is known for what it is; another one is too late', async () => {
    const { ports, releaseId, releases } = await aMovedRollout(50);
    const abort = aCommand({ releaseId, name: 'abort' });
    await obey(ports, abort);
    releases.overwrite(releaseId, { mode: 'done', outcome: 'rolled-back', concludedAt: NOW });
    expect(await obey(ports, abort)).toMatchObject({
      traffic: 'restored',
      text: expect.stringContaining('taken before'),
    });
    await expect(obey(ports, { ...abort, by: bob })).rejects.toThrow('nothing to abort');
    const claimed = { ...ann, authenticated: false, via: 'event' } as const;
    await expect(obey(ports, { ...abort, by: claimed })).rejects.toThrow('nothing to abort');
  });

  it.each([
    ['before its snapshot', aRollout, 'aborted', 'nothing-moved'],
    ['with its snapshot and nothing intended', aReadyRollout, 'aborted', 'nothing-moved'],
    ['with traffic on the canary', () => aMovedRollout(50), 'rolled-back', 'restored'],
  ] as const)(
    'to abort a release %s is answered the same again, and as the release ends',
    async (_, begin, outcome, traffic) => {
      const { ports, releaseId } = await begin();
      const abort = aCommand({ releaseId, name: 'abort' });
      expect((await obey(ports, abort)).traffic).toBe(traffic);
      expect((await concludeRelease(ports, releaseId, 'restored')).outcome).toBe(outcome);
      expect((await obey(ports, abort)).traffic).toBe(traffic);
    },
  );

  it('to abort restores before it answers, also while the ledger is down', async () => {
    const { ports, releaseId, shifter, ledger } = await aMovedRollout(50);
    ledger.down = true;
    expect(await obey(ports, aCommand({ releaseId, name: 'abort' }))).toMatchObject({ traffic: 'restored' });
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    expect(ledger.spooled.length).toBeGreaterThan(0);
  });
});
