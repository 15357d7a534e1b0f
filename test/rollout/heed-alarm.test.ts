import { describe, expect, it } from 'vitest';
import { InvalidRequestError, TransientError } from '#platform/errors.ts';
import { ALL_ON } from '#policy/kill-switches.ts';
import { ALARM_EVENT, alarmOf } from '#rollout/alarm-event.ts';
import { heedAlarm, isGuardedBy } from '#rollout/heed-alarm.ts';
import { isAlone } from '#rollout/routing.ts';
import { aRelease, aWave, checkoutTarget, NOW, releaseIdOf, STABLE } from '../builders/release.ts';
import { aMovedRollout } from '../builders/rollout.ts';

/** As CloudWatch sends it. */
const raised = (state: object = {}, envelope: object = {}) => ({
  version: '0',
  id: 'c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
  'detail-type': ALARM_EVENT,
  source: 'aws.cloudwatch',
  account: '123456789012',
  time: '2026-03-01T12:00:30Z',
  region: 'eu-central-1',
  resources: ['arn:aws:cloudwatch:eu-central-1:123456789012:alarm:slow'],
  detail: {
    alarmName: 'slow',
    configuration: {},
    previousState: { value: 'OK' },
    state: {
      value: 'ALARM',
      reason: 'Threshold Crossed',
      timestamp: '2026-03-01T12:00:30.123+0000',
      ...state,
    },
  },
  ...envelope,
});

const SLOW = { name: 'slow', at: '2026-03-01T12:00:30.123Z', reason: 'Threshold Crossed' };

describe("an alarm's event", () => {
  it('is the alarm, when it was raised and why', () => {
    expect(alarmOf(raised())).toEqual(SLOW);
  });

  it.each(['OK', 'INSUFFICIENT_DATA'])('of another state is nothing to heed: %s', (value) => {
    expect(alarmOf(raised({ value }))).toBeUndefined();
  });

  it.each([
    ['another kind', raised({}, { 'detail-type': 'EC2 Instance State-change Notification' })],
    ["somebody's own, under CloudWatch's name", raised({}, { source: 'aws.fake' })],
    ['a time that is none', raised({ timestamp: 'yesterday' })],
    ['no detail', raised({}, { detail: undefined })],
  ])('that is none is refused, so that it is kept and not lost: %s', (_, event) => {
    expect(() => alarmOf(event)).toThrow(InvalidRequestError);
  });
});

describe('a guard alarm', () => {
  it('guards the releases that name it, from the moment they were asked for until they have ended', () => {
    const guarded = aRelease({ guardAlarms: ['slow', 'broken'] });
    expect(isGuardedBy(guarded, SLOW)).toBe(true);
    expect(isGuardedBy({ ...guarded, mode: 'restoring' }, SLOW)).toBe(true);
    expect(isGuardedBy({ ...guarded, mode: 'done' }, SLOW)).toBe(false);
    expect(isGuardedBy({ ...guarded, waiting: true }, SLOW)).toBe(false);
    expect(isGuardedBy(aRelease({ guardAlarms: ['broken'] }), SLOW)).toBe(false);
    expect(isGuardedBy(aRelease(), SLOW)).toBe(false);
    expect(isGuardedBy(guarded, { ...SLOW, at: '2026-03-01T11:59:59.999Z' })).toBe(false);
    expect(isGuardedBy(guarded, { ...SLOW, at: NOW })).toBe(true);
  });

  it.each(['rollbackAutomation', 'autoRollback'] as const)(
    'is recorded once and restores nothing while %s is off',
    async (flag) => {
      const { ports, releases, releaseId, ledger, shifter } = await aMovedRollout(
        50,
        {},
        { guardAlarms: ['slow'] },
      );
      const states = { ...ALL_ON, [flag]: { on: false, offIn: [] } };
      for (let time = 0; time < 2; time += 1)
        expect(await heedAlarm(ports, SLOW, states)).toEqual([{ releaseId, result: 'noted' }]);
      expect(releases.peek(releaseId)?.mode).toBe('forward');
      expect(isAlone(shifter.routing(), STABLE)).toBe(false);
      const noted = ledger.records.filter(({ event }) => event.type === 'release.alarm.noted');
      expect(noted).toMatchObject([{ data: { reasons: [{ facts: { flag } }, { code: 'guard-alarm' }] } }]);
    },
  );

  it('brings the traffic of its releases back at once, and says why', async () => {
    const { ports, releaseId, releases, shifter, ledger } = await aMovedRollout(
      50,
      {},
      { guardAlarms: ['slow'] },
    );
    expect(await heedAlarm(ports, SLOW, ALL_ON)).toEqual([{ releaseId, result: 'restored' }]);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
    const [cause] = releases.peek(releaseId)?.restoreCause ?? [];
    expect(cause).toMatchObject({ code: 'guard-alarm', facts: { alarm: 'slow' } });
    expect(cause?.text).toContain('guard alarm slow went into ALARM at 2026-03-01T12:00:30.123Z: Threshold');
    expect(ledger.records.find(({ event }) => event.type === 'release.abort.accepted')?.actor).toMatchObject({
      login: 'heed-alarm',
      kind: 'system',
    });
  });

  it('delivered twice is told once', async () => {
    const { ports, types } = await aMovedRollout(50, {}, { guardAlarms: ['slow'] });
    await heedAlarm(ports, SLOW, ALL_ON);
    await heedAlarm(ports, SLOW, ALL_ON);
    expect(types().filter((type) => type === 'release.abort.accepted')).toHaveLength(1);
  });

  it('leaves alone what it does not guard', async () => {
    const { ports, releases, releaseId } = await aMovedRollout(50, {}, { guardAlarms: ['other'] });
    expect(await heedAlarm(ports, SLOW, ALL_ON)).toEqual([]);
    expect(releases.peek(releaseId)?.mode).toBe('forward');
  });

  it('tries them all, and fails when one could not be restored, so that it comes again', async () => {
    let broken = true;
    const fails = (method: string) => {
      if (method === 'restore' && broken) throw new TransientError('no answer');
    };
    const rollout = await aMovedRollout(50, { shifter: { before: fails } }, { guardAlarms: ['slow'] });
    const other = aRelease({
      releaseId: releaseIdOf(2),
      service: 'cart',
      guardAlarms: ['slow'],
      waves: [aWave({ target: { ...checkoutTarget, functionName: 'cart' } })],
    });
    await rollout.releases.reserve(other, { value: 'other', requestDigest: 'd' });
    await expect(heedAlarm(rollout.ports, SLOW, ALL_ON)).rejects.toThrow('1 of 2 guarded releases');
    expect(rollout.releases.peek(other.releaseId)?.mode).toBe('restoring');
    broken = false;
    expect(await heedAlarm(rollout.ports, SLOW, ALL_ON)).toHaveLength(2);
    expect(isAlone(rollout.shifter.routing(), STABLE)).toBe(true);
  });

  it('needs no ledger', async () => {
    const { ports, ledger, shifter } = await aMovedRollout(50, {}, { guardAlarms: ['slow'] });
    ledger.down = true;
    await heedAlarm(ports, SLOW, ALL_ON);
    expect(isAlone(shifter.routing(), STABLE)).toBe(true);
  });
});
