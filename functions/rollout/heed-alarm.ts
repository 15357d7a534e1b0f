import { systemActor } from '#platform/actor.ts';
import { digestOf } from '#platform/digest.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { shorten } from '#platform/text.ts';
import { REASON_TEXT_MAX, type Reason, type Release } from '#releases/release.ts';
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
  readonly result: RestoreResult['kind'];
}

/**
 * Brings the traffic of every release back that has this alarm for a guard, side by side, as an abort does. The same
 * alarm again finds nothing left to do, or does what could not be done the first time.
 * @throws AggregateError when some could not be restored, after all were tried: repeat it.
 */
export const heedAlarm = async (ports: RestorePorts, alarm: AlarmRaised): Promise<readonly Heeded[]> => {
  const guarded = (await ports.releases.open()).filter((release) => isGuardedBy(release, alarm));
  const settled = await Promise.allSettled(
    guarded.map(async ({ releaseId }) => {
      const { kind } = await restoreTraffic(ports, {
        releaseId,
        cause: [causeOf(alarm)],
        abortedBy: systemActor('heed-alarm'),
        key: digestOf(['guard-alarm', alarm.name, alarm.at]),
      });
      return { releaseId, result: kind };
    }),
  );
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      `${failures.length} of ${guarded.length} guarded releases were not restored`,
    );
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
};
