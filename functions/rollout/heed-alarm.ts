import { systemActor } from '#platform/actor.ts';
import { digestOf } from '#platform/digest.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { shorten } from '#platform/text.ts';
import type { SwitchStates } from '#policy/kill-switches.ts';
import { alarmsOff } from '#policy/switch-effects.ts';
import { REASON_TEXT_MAX, type Reason, type Release } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';
import type { AlarmRaised } from '#rollout/alarm-event.ts';
import { type RestorePorts, type RestoreResult, restoreTraffic } from '#rollout/restore.ts';

/**
 * Whether a release has to heed the alarm. One that was raised before the release was asked for and comes late says
 * nothing about it: the release looked at the alarm itself before it moved anything. So will one that waits its turn.
 */
export const isGuardedBy = (
  { mode, waiting, guardAlarms = [], requestedAt }: Release,
  { name, at }: AlarmRaised,
): boolean =>
  mode !== 'done' && !waiting && guardAlarms.includes(name) && Date.parse(at) >= Date.parse(requestedAt);

const causeOf = ({ name, at, reason }: AlarmRaised): Reason => ({
  code: 'guard-alarm',
  text: shorten(
    `guard alarm ${name} went into ALARM at ${at}${reason === undefined ? '' : `: ${reason}`}`,
    REASON_TEXT_MAX,
  ),
  facts: { alarm: name, at },
});

export interface Heeded {
  readonly releaseId: ReleaseId;
  /** `noted`: recorded, and nothing done, because people switched that off. */
  readonly result: RestoreResult['kind'] | 'noted';
}

const heedOne = async (
  ports: RestorePorts,
  alarm: AlarmRaised,
  states: SwitchStates,
  release: Release,
): Promise<Heeded> => {
  const { releaseId, environment } = release;
  const key = digestOf(['guard-alarm', alarm.name, alarm.at]);
  const cause = [causeOf(alarm)];
  const off = alarmsOff(states, environment);
  if (off !== undefined) {
    const reasons = [off, ...cause];
    await ports.ledger.append(`${releaseId}/guard-alarm/${key}/noted`, [
      releaseRecord('release.alarm.noted', release, systemActor('heed-alarm'), ports.now(), { reasons }),
    ]);
    return { releaseId, result: 'noted' };
  }
  const abortedBy = systemActor('heed-alarm');
  const { kind } = await restoreTraffic(ports, { releaseId, cause, abortedBy, key });
  return { releaseId, result: kind };
};

/**
 * Brings the traffic of every release back that has this alarm for a guard, side by side, as an abort does. The same
 * alarm again finds nothing left to do, or does what could not be done the first time.
 * Where that is switched off, the alarm is recorded and nothing is done.
 * @throws AggregateError when some could not be restored, after all were tried: repeat it.
 */
export const heedAlarm = async (
  ports: RestorePorts,
  alarm: AlarmRaised,
  states: SwitchStates,
): Promise<readonly Heeded[]> => {
  const guarded = (await ports.releases.open()).filter((release) => isGuardedBy(release, alarm));
  const settled = await Promise.allSettled(guarded.map((release) => heedOne(ports, alarm, states, release)));
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      `${failures.length} of ${guarded.length} guarded releases were not restored`,
    );
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
};
