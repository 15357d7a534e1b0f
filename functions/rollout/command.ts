import type { LedgerEventType } from '#ledger/event-types.ts';
import type { Actor } from '#platform/actor.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { phaseOf, type Release } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';
import type { CommandName } from '#rollout/command-names.ts';
import type { RescueCopies } from '#rollout/rescue-copy.ts';
import {
  type RestoreCommand,
  type RestorePorts,
  type RestoreResult,
  restoreTraffic,
} from '#rollout/restore.ts';

export interface CommandPorts extends RestorePorts {
  readonly rescue: Pick<RescueCopies, 'ofRelease'>;
}

export interface Command {
  readonly name: CommandName;
  readonly releaseId: ReleaseId;
  readonly reason: string;
  readonly by: Actor;
  /** Names the command: given again, it has no further effect. */
  readonly key: string;
  readonly at: string;
}

/** What came of a command, in words for whoever gave it; `traffic` of an abort, `retriedAs` of a retry only. */
export interface Obeyed {
  readonly text: string;
  readonly traffic?: 'restored' | 'nothing-moved';
  readonly retriedAs?: ReleaseId;
}

/** A command to a release on its way. */
export type Order = Command & { readonly name: Exclude<CommandName, 'retry'> };

const RECORDED: Record<Exclude<Order['name'], 'abort'>, LedgerEventType> = {
  pause: 'release.paused',
  resume: 'release.resumed',
  promote: 'release.promotion.wished',
};

/** Why a command makes no sense now; undefined when it does. */
export const refusalOf = (release: Release, name: Order['name']): string | undefined => {
  const phase = phaseOf(release);
  if (release.mode === 'done')
    return `release ${release.releaseId} has ended (${phase}); there is nothing to ${name}`;
  if (name === 'abort') return undefined;
  if (release.mode === 'restoring')
    return `release ${release.releaseId} is being restored; it can't be stopped from that`;
  if (name === 'pause' && release.paused !== undefined)
    return `release ${release.releaseId} is paused already, by ${release.paused.by.login} since ${release.paused.at}`;
  if (name === 'resume' && release.paused === undefined) return `release ${release.releaseId} is not paused`;
  if (name === 'promote' && release.progress === undefined)
    return `release ${release.releaseId} has no traffic yet; there is no step to pass`;
  return undefined;
};

/** @throws NotFoundError. */
export const mustGet = async (
  { releases }: Pick<RestorePorts, 'releases'>,
  releaseId: ReleaseId,
): Promise<Release> => {
  const release = await releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  return release;
};

/** Wishes that one release takes: far above what people ask for, far below what an item can hold. */
const WISHES_MAX = 200;

/** What a wish is kept as: its key and its name, so that a key used for another command is told from a repetition. */
const keptAs = ({ key, name }: Pick<Order, 'key' | 'name'>): string => `${key}:${name}`;

/** @throws ConflictError when the key was used for another command, or the release has taken too many. */
const wasTaken = (release: Release, command: Order): boolean => {
  const wishes = release.wishes ?? [];
  if (wishes.includes(keptAs(command))) return true;
  if (wishes.some((kept) => kept.startsWith(`${command.key}:`)))
    throw new ConflictError('this idempotency key was used for another command; use a new key');
  if (wishes.length >= WISHES_MAX)
    throw new ConflictError(`this release has taken ${WISHES_MAX} commands; abort it, or let it end`);
  return false;
};

/** The one conditional write of a wish, and what it will do. False when the release moved on meanwhile. */
const wish = async (
  ports: RestorePorts,
  release: Release,
  command: Order,
): Promise<{ readonly taken: boolean; readonly text: string }> => {
  const { releaseId } = release;
  const { name, by, reason, at } = command;
  const key = keptAs(command);
  switch (name) {
    case 'pause':
      return {
        taken: await ports.releases.pause(releaseId, { by, reason, at }, key),
        text: `no further step passes until it is resumed; looks go on, and in ${release.plan.pauseSeconds} s traffic is restored`,
      };
    case 'resume':
      return { taken: await ports.releases.resume(releaseId, key), text: 'steps pass again' };
    case 'promote': {
      const step = release.progress?.step ?? 0;
      return {
        taken: await ports.releases.wishPromotion(releaseId, { by, reason, at, step }, key),
        text: `step ${step + 1} of ${release.progress?.steps} passes at the next look that has data and sees nothing wrong`,
      };
    }
    case 'abort':
      return { taken: false, text: '' };
  }
};

/**
 * An abort that finds its release ended has nothing to do. Whoever had aborted it hears so again, for the same command may
 * come twice; anybody else is told that it came too late.
 */
const abortEnded = async (ports: CommandPorts, { releaseId, by }: Order): Promise<Obeyed> => {
  const { abortedBy, outcome, progress } = await mustGet(ports, releaseId);
  const isTheirs = abortedBy?.login === by.login && abortedBy.via === by.via;
  if (!isTheirs || outcome === 'promoted')
    throw new ConflictError(`release ${releaseId} has ended; there is nothing to abort`);
  const traffic = progress === undefined ? 'nothing-moved' : 'restored';
  return { text: 'taken before; the release has ended on it', traffic };
};

/**
 * While the state can't be read nobody knows by it what to restore; the copy kept for a rescue does. Traffic is then
 * back, and the caller is told so, with the error that it could not be noted.
 */
const restoreByCopy = async (
  ports: CommandPorts,
  command: RestoreCommand,
  error: unknown,
): Promise<RestoreResult> => {
  if (!(error instanceof TransientError)) throw error;
  const carried = await ports.rescue.ofRelease(command.releaseId);
  if (carried === undefined) throw error;
  return restoreTraffic(ports, { ...command, carried });
};

const abort = async (ports: CommandPorts, order: Order): Promise<Obeyed> => {
  const { releaseId, by, reason, key } = order;
  const command: RestoreCommand = {
    releaseId,
    cause: [{ code: 'operator-abort', text: `aborted by ${by.login}: ${reason}` }],
    abortedBy: by,
    key,
  };
  const result = await restoreTraffic(ports, command).catch((error: unknown) =>
    restoreByCopy(ports, command, error),
  );
  if (result.kind === 'done') return abortEnded(ports, order);
  const text =
    result.kind === 'restored'
      ? 'all traffic is back on the stable version, read back'
      : 'no traffic had moved';
  return { text, traffic: result.kind };
};

/**
 * Tells the command under its own key, before it has its effect. It may come again when only the effect had failed: what
 * is told must not have changed by then, so only a promotion, which means one step and no other, names where the release is.
 */
const record = async (ports: CommandPorts, release: Release, command: Order): Promise<void> => {
  const { name, releaseId, reason, by, key, at } = command;
  if (name === 'abort') return;
  const step = name === 'promote' ? { step: release.progress?.step } : {};
  const draft = releaseRecord(RECORDED[name], release, by, at, { reason, ...step });
  try {
    await ports.ledger.append(`${releaseId}/command/${name}/${key}`, [draft]);
  } catch (error) {
    if (name !== 'promote' || !(error instanceof ConflictError)) throw error;
    throw new ConflictError(
      `a promotion of release ${releaseId} was recorded under this key before: the step that it meant has passed meanwhile, or its reason was another; look at the release, and use a new key`,
      { cause: error },
    );
  }
};

/**
 * Does what an operator asks of a release on its way. An abort restores before it answers, and looks at nothing first but
 * what to restore. The others are recorded, then written in one conditional write that the next look sees; the record's key is the command's, so that the same command again has one effect.
 * @throws NotFoundError; ConflictError with the reason when it makes no sense in the present state.
 */
export const obey = async (ports: CommandPorts, command: Order): Promise<Obeyed> => {
  const { name, releaseId } = command;
  if (name === 'abort') return abort(ports, command);
  const release = await mustGet(ports, releaseId);
  if (wasTaken(release, command)) return { text: 'taken before; nothing is done twice' };
  const refusal = refusalOf(release, name);
  if (refusal !== undefined) throw new ConflictError(refusal);
  await record(ports, release, command);
  const { taken, text } = await wish(ports, release, command);
  if (!taken) throw new ConflictError(`release ${releaseId} moved on meanwhile; look at it and decide again`);
  return { text };
};
