import type { LedgerWriter } from '#ledger/append.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { digestOf } from '#platform/digest.ts';
import { ConflictError, PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { startingRefusal } from '#policy/switch-effects.ts';
import type { Switches } from '#policy/switch-readings.ts';
import { advanceWaiting } from '#releases/advance-waiting.ts';
import type { Asked } from '#releases/asked.ts';
import { type DraftPorts, draftRelease } from '#releases/draft-release.ts';
import { describeFreeze, type Freeze } from '#releases/freeze.ts';
import { type LaunchPorts, launchRelease } from '#releases/launch-release.ts';
import type { Reason, Release } from '#releases/release.ts';

export interface RequestPorts extends LaunchPorts, DraftPorts {
  readonly ledger: LedgerWriter;
  readonly switches: Switches;
}

/** Refused for what is the case just now; the same request may be taken later. */
class HeldError extends ConflictError {
  /** The same words for the same holder, so that the same refusal is told once. */
  readonly reason: Reason;
  readonly holder: string;

  constructor(holder: string, reason: Reason, advice: string) {
    super(`${reason.text}; ${advice}`);
    this.reason = reason;
    this.holder = holder;
  }
}

/** Refused because no new release may start in the environment. */
class SwitchedOffError extends PolicyDeniedError {
  readonly reason: Reason;
  readonly holder: string;

  constructor(reason: Reason) {
    super(reason.text);
    this.reason = reason;
    this.holder = reason.code;
  }
}

/** No new release starts while that is switched off; one that was taken in before is told again. */
const refuseWhileOff = async (
  ports: RequestPorts,
  environment: string,
  { key }: Pick<Asked, 'key'>,
): Promise<void> => {
  const { states } = await ports.switches.read();
  const reason = startingRefusal(states, environment);
  if (reason !== undefined && !(await ports.releases.knowsKey(key))) throw new SwitchedOffError(reason);
};

const frozen = (environment: string, freeze: Freeze): HeldError => {
  const reason = {
    code: 'frozen',
    text: describeFreeze(environment, freeze),
    facts: { until: freeze.until },
  };
  return new HeldError(`freeze/${freeze.at}`, reason, 'ask again then, or have it thawed');
};

const held = (what: string, releaseId: ReleaseId, by: Release | undefined): HeldError => {
  const text = `${what}, ${releaseId}`;
  const reason = { code: 'active-release', text, facts: { activeReleaseId: releaseId } };
  const ends = by !== undefined && by.mode !== 'forward';
  return new HeldError(
    releaseId,
    reason,
    ends ? 'it is ending: within about a minute it is concluded; ask again then' : 'wait for it or abort it',
  );
};

/** Requests that may overtake one that takes the place of another release before it is asked to come again. */
const RACES_MAX = 3;

/**
 * Takes a request in: reserves lock, release and idempotency key in one write, records the acceptance, starts the
 * workflow. While another release is active it is refused, or waits to take its place, as the service's policy says. A
 * crash between any two of these is finished by a repetition of the request or by the recovery sweep.
 * A refusal is left to the caller to record.
 * @throws NotFoundError, InvalidRequestError for what is asked; PolicyDeniedError while no new release may start;
 * ConflictError when another release is active, the environment is frozen, or the key was used for another request;
 * TransientError when the ledger can't be written: then the release is reserved and goes on by itself.
 */
export const takeRequest = async (ports: RequestPorts, asked: Asked): Promise<Release> => {
  const release = await draftRelease(ports, asked);
  await refuseWhileOff(ports, asked.request.environment, asked);
  return takeDraft(ports, release, asked);
};

/** The same for a release that is drafted already. */
const takeDraft = async (
  ports: LaunchPorts,
  release: Release,
  asked: Pick<Asked, 'key' | 'requestDigest'>,
): Promise<Release> => {
  for (let race = 1; race <= RACES_MAX; race += 1) {
    const taken = await takeOnce(ports, asked, release);
    if (taken !== undefined) return taken;
  }
  throw new TransientError('others asked for releases of the service at the same time; ask again');
};

/** Undefined when somebody else was faster. */
const takeOnce = async (
  ports: LaunchPorts,
  asked: Pick<Asked, 'key' | 'requestDigest'>,
  release: Release,
): Promise<Release | undefined> => {
  const { service, environment } = release;
  const key = { value: asked.key, requestDigest: asked.requestDigest };
  const reservation = await ports.releases.reserve(release, key);
  switch (reservation.kind) {
    case 'reserved':
      return launchRelease(ports, release);
    case 'repeated': {
      const { release: earlier } = reservation;
      if (earlier.mode !== 'forward' || earlier.startedAt !== undefined) return earlier;
      return earlier.waiting ? advanceWaiting(ports, earlier) : launchRelease(ports, earlier);
    }
    case 'key-reused':
      throw new ConflictError(
        `this idempotency key was used for another request, release ${reservation.releaseId}; use a new key`,
      );
    case 'frozen':
      throw frozen(environment, reservation.freeze);
    case 'locked':
    case 'target-locked': {
      if (reservation.kind === 'locked' && release.supersedes) {
        const waiting: Release = { ...release, waiting: true };
        const { kind } = await ports.releases.queue(waiting, key, reservation.waiter);
        return kind === 'queued' ? advanceWaiting(ports, waiting) : undefined;
      }
      const what =
        reservation.kind === 'locked'
          ? `${service} in ${environment} already has an active release`
          : `what ${service} in ${environment} moves traffic on is being moved by another service's release`;
      throw held(what, reservation.by, await ports.releases.get(reservation.by));
    }
  }
};

/** What is asked for, as far as a refusal tells it. */
type Wanted = Pick<Release, 'service' | 'environment' | 'version'>;

/** It names no release: it was refused before it became one. */
const refusal = (
  { service, environment, version }: Wanted,
  { requestedBy, at }: Pick<Asked, 'requestedBy' | 'at'>,
  reason: Reason,
): RecordDraft => ({
  event: { type: 'release.refused', timestamp: at },
  change: { service, environment },
  actor: requestedBy,
  data: { version, reasons: [reason] },
});

/** Records what held a request up, once for the same key and holder. */
const recordingRefusal = async (
  { ledger }: Pick<RequestPorts, 'ledger'>,
  wanted: Wanted,
  asked: Pick<Asked, 'key' | 'requestDigest' | 'requestedBy' | 'at'>,
  take: () => Promise<Release>,
): Promise<Release> => {
  try {
    return await take();
  } catch (error) {
    if (error instanceof HeldError || error instanceof SwitchedOffError) {
      const { key, requestDigest, requestedBy } = asked;
      const id = `request/${digestOf([key, requestDigest, requestedBy])}/refused/${error.holder}`;
      await ledger.append(id, [refusal(wanted, asked, error.reason)]);
    }
    throw error;
  }
};

/** takeRequest for doors that answer: what holds a request up is recorded here. */
export const requestRelease = (ports: RequestPorts, asked: Asked): Promise<Release> =>
  recordingRefusal(ports, asked.request, asked, () => takeRequest(ports, asked));

/** Who asks for a release that a door drafted by itself, and under which key. */
const askedOf = (
  { requestedBy, requestedAt: at }: Release,
  { key, requestDigest }: Pick<Asked, 'key' | 'requestDigest'>,
) => ({ key, requestDigest, requestedBy, at });

/**
 * Takes in a release that a door drafted by itself and that brings something back: no switch is in its way; otherwise as
 * requestRelease.
 */
export const requestDrafted = (
  ports: LaunchPorts,
  release: Release,
  by: Pick<Asked, 'key' | 'requestDigest'>,
): Promise<Release> => {
  const asked = askedOf(release, by);
  return recordingRefusal(ports, release, asked, () => takeDraft(ports, release, asked));
};

/** The same for one that gives a version traffic, such as a drill: not while no new release may start. */
export const requestDraftedStart = (
  ports: RequestPorts,
  release: Release,
  by: Pick<Asked, 'key' | 'requestDigest'>,
): Promise<Release> => {
  const asked = askedOf(release, by);
  return recordingRefusal(ports, release, asked, async () => {
    await refuseWhileOff(ports, release.environment, asked);
    return takeDraft(ports, release, asked);
  });
};
