import type * as z from 'zod';
import type { LedgerEventType } from '#ledger/event-types.ts';
import { type Actor, systemActor } from '#platform/actor.ts';
import { ConflictError, SluiceError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Target } from '#policy/target.ts';
import { readyWaves } from '#releases/ready-wave.ts';
import type { Reason, Release } from '#releases/release.ts';
import { type ReleaseSubject, releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { appendOrSpool, type TellingPorts } from '#rollout/append-or-spool.ts';
import type { carriedTargetsSchema } from '#rollout/carried-targets-schema.ts';
import { overtakenBy } from '#rollout/overtaken.ts';
import { describeRouting, isAlone } from '#rollout/routing.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

export interface RestorePorts extends TellingPorts {
  readonly releases: ReleaseStore;
  readonly shifter: TrafficShifter<Target>;
  readonly now: () => string;
}

/** What a workflow carries, so that traffic can be restored when the state can't be read. */
export type CarriedTargets = z.infer<typeof carriedTargetsSchema>;

/** One wave's target and the version that is to have all its traffic. */
type StableTarget = CarriedTargets['waves'][number];

export interface RestoreCommand {
  readonly releaseId: ReleaseId;
  readonly cause: readonly Reason[];
  readonly abortedBy?: Actor;
  /** Names the command behind an abort: however often it is delivered, it is told once. */
  readonly key?: string;
  readonly carried?: CarriedTargets;
}

/**
 * `restored`: what may have moved is verified on stable. `nothing-moved`: there was nothing to bring back, and the release
 * ends as aborted or refused. `done`: it had ended.
 */
export type RestoreResult = { readonly kind: 'restored' | 'nothing-moved' | 'done'; readonly fence?: number };

/** Others may raise the fence while traffic is being read back; each round is one read and one write. */
const VERIFY_ROUNDS = 5;

interface State {
  /** The state could be written: the fence in force. */
  readonly fence?: number;
  readonly release?: Release;
}

/** Raises the fence first. Trouble with the state is no reason to leave traffic where it is. */
const stopForward = async (ports: RestorePorts, command: RestoreCommand): Promise<State | 'done'> => {
  try {
    const begun = await ports.releases.beginRestore(command.releaseId, command.cause, {
      at: ports.now(),
      ...(command.abortedBy && { abortedBy: command.abortedBy }),
    });
    if (begun === undefined) return 'done';
    const release = await ports.releases.get(command.releaseId);
    return { fence: begun.fence, ...(release && { release }) };
  } catch (error) {
    if (command.carried === undefined || (error instanceof SluiceError && error.code !== 'transient'))
      throw error;
    ports.onTrouble('state could not be written before the restore', error);
    return {};
  }
};

const tell = async (
  ports: RestorePorts,
  subject: ReleaseSubject,
  step: string,
  type: LedgerEventType,
  actor: Actor,
  data: Readonly<Record<string, unknown>>,
): Promise<'told' | 'refused'> => {
  const drafts = [releaseRecord(type, subject, actor, ports.now(), data)];
  return appendOrSpool(ports, `${subject.releaseId}/${step}`, drafts);
};

/** Whether the release is known to have ended; unknown is no reason to leave traffic where it is. */
const hasEnded = async ({ releases }: RestorePorts, releaseId: ReleaseId): Promise<boolean> => {
  try {
    return (await releases.readFence(releaseId)).mode === 'done';
  } catch {
    return false;
  }
};

/** A target that others keep writing to is worth another try: a conflict would say that the release has ended. */
const despiteOthers = async <T>({ name, stableVersion }: StableTarget, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    throw new TransientError(
      `traffic of wave ${name} is not verified on ${stableVersion}: ${error.message}; stop whatever else changes this target, then try again`,
      { cause: error },
    );
  }
};

/** Writes that may come in between before the restore goes ahead without looking. */
const RACES_MAX = 3;

/**
 * Sets traffic back: on the condition that nobody wrote since it was read, and having seen after that read that the
 * release has not ended. By then a later release may be at work, and an invocation of this one that comes late must not
 * undo it. When that can't be found out, the restore goes ahead.
 */
const bringBack = async (
  ports: RestorePorts,
  releaseId: ReleaseId,
  wave: StableTarget,
): Promise<'back' | 'ended'> => {
  const { target, stableVersion: stable } = wave;
  try {
    for (let race = 1; race <= RACES_MAX; race += 1) {
      const { revision } = await ports.shifter.readRouting(target);
      if ((await ports.releases.readFence(releaseId)).mode === 'done') return 'ended';
      const overtaken = await overtakenBy(ports.shifter.restore(target, stable, revision));
      if (overtaken === undefined) return 'back';
    }
  } catch (error) {
    ports.onTrouble('a restore could not find out whether it is still wanted; it goes ahead', error);
  }
  await despiteOthers(wave, ports.shifter.restore(target, stable));
  return 'back';
};

const verifyStable = async (ports: RestorePorts, wave: StableTarget): Promise<void> => {
  const { name, target, stableVersion: stable } = wave;
  const routing = await despiteOthers(wave, ports.shifter.readRouting(target));
  if (!isAlone(routing, stable))
    throw new TransientError(
      `traffic of wave ${name} is at ${describeRouting(routing)} after the restore to ${stable}`,
    );
};

/** Does it for every wave side by side, and fails with the first failure only when all have been tried. */
const forEach = async <T>(
  waves: readonly StableTarget[],
  each: (wave: StableTarget) => Promise<T>,
): Promise<readonly T[]> => {
  const results = await Promise.allSettled(waves.map(each));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
};

/**
 * The waves whose traffic this release can have moved or be moving: none after the one whose step was recorded last,
 * because that record comes before the effect. Without the state, all of them.
 */
const wavesToRestore = (
  release: Release | undefined,
  carried: CarriedTargets | undefined,
): readonly StableTarget[] | undefined => {
  const ready = release && readyWaves(release);
  if (release === undefined || ready === undefined) return carried?.waves;
  return ready
    .slice(0, (release.progress?.wave ?? 0) + 1)
    .map(({ name, target, snapshot: { stableVersion } }) => ({ name, target, stableVersion }));
};

/**
 * Notes that traffic was verified, at whatever fence is in force: another restore may have raised it meanwhile, and
 * may have died right after. What is read back after a fence was read holds for that fence.
 */
const noteStable = async (
  ports: RestorePorts,
  releaseId: ReleaseId,
  fence: number,
  verify: () => Promise<void>,
): Promise<number> => {
  let inForce = fence;
  for (let round = 0; round < VERIFY_ROUNDS; round += 1) {
    await verify();
    const verified = { at: 'stable', fence: inForce, time: ports.now() } as const;
    if (await ports.releases.noteVerified(releaseId, verified)) return inForce;
    const present = await ports.releases.readFence(releaseId);
    if (present.mode === 'done') return present.fence;
    inForce = present.fence;
  }
  throw new TransientError('the fence keeps rising; another restore is at work');
};

/**
 * Brings all traffic back to the stable version and proves it. Order: fence raised, intent told, traffic set, read
 * back, outcome told, noted. Safe to repeat at any time and from anywhere; when several run at once the last write is
 * still the stable version.
 * @throws TransientError while traffic is not verified, or is but that could not be noted: repeat.
 */
export const restoreTraffic = async (
  ports: RestorePorts,
  command: RestoreCommand,
): Promise<RestoreResult> => {
  const { releaseId } = command;
  const state = await stopForward(ports, command);
  if (state === 'done') return { kind: 'done' };
  const subject = state.release ?? command.carried?.subject;
  const waves = wavesToRestore(state.release, command.carried);
  if (command.abortedBy !== undefined && subject !== undefined) {
    const step = `abort/${command.key ?? state.fence}`;
    const data = { reasons: command.cause };
    const told = await tell(ports, subject, step, 'release.abort.accepted', command.abortedBy, data);
    // Another restore was verified at the fence that this one raised, and the release ended on it before this was told.
    if (told === 'refused' && (await hasEnded(ports, releaseId))) return { kind: 'done' };
  }
  if (waves === undefined || subject === undefined) {
    if (state.fence === undefined) throw new TransientError('neither state nor snapshot is at hand');
    const fence = await noteStable(ports, releaseId, state.fence, async () => undefined);
    return { kind: 'nothing-moved', fence };
  }
  // Stable is written all the same. The fence is raised: what had no intent when the state was read never gets one.
  const kind =
    state.release !== undefined && state.release.progress === undefined ? 'nothing-moved' : 'restored';
  const actor = systemActor('rollout');
  const step = `restore/${state.fence ?? `at-${ports.now()}`}`;
  const facts = {
    stable: waves[0]?.stableVersion,
    ...(waves.length > 1 && {
      waves: waves.map(({ name, stableVersion }) => ({ wave: name, stable: stableVersion })),
    }),
    ...(state.fence !== undefined && { fence: state.fence }),
  };
  await tell(ports, subject, `${step}/intended`, 'release.restore.intended', actor, {
    ...facts,
    reasons: command.cause,
  });
  // Another restore finished and the release was concluded on it: traffic was verified, and may have moved on since.
  if ((await forEach(waves, (wave) => bringBack(ports, releaseId, wave))).includes('ended'))
    return state.fence === undefined ? { kind: 'done' } : { kind, fence: state.fence };
  const verify = async () => {
    await forEach(waves, (wave) => verifyStable(ports, wave));
  };
  await verify();
  await tell(ports, subject, `${step}/done`, 'release.restore.done', actor, facts);
  if (state.fence === undefined)
    throw new TransientError('traffic is back on stable, but that could not be noted yet');
  const fence = await noteStable(ports, releaseId, state.fence, verify);
  return { kind, fence };
};
